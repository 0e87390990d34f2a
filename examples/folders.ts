import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "emberbox";

const work = await mkdtemp(join(tmpdir(), "folders-"));
await mkdir(join(work, "data/2026"), { recursive: true });
await writeFile(join(work, "data/2026/sales.csv"), "month,sold\n1,12\n2,19\n");

const sandbox = await Sandbox.create();
try {
  await sandbox.files.uploadDir(join(work, "data"), "/home/user/data", { ignore: ["*.tmp"] });
  await sandbox.commands.run("mkdir results && wc -l data/2026/*.csv > results/lines.txt");

  const { files, bytes } = await sandbox.files.downloadDir("results", join(work, "results"), {
    maxBytes: 10_000_000,
  });
  console.log(
    `${files} file, ${bytes} bytes: ${await readFile(join(work, "results/lines.txt"), "utf8")}`,
  );
} finally {
  await sandbox.kill();
  await rm(work, { recursive: true });
}
