import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { listLocal, type LocalItem } from "./local-source.ts";

const folder = mkdtempSync(join(tmpdir(), "emberbox-local-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "data/deep"), { recursive: true });
mkdirSync(join(folder, "data/empty"));
writeFileSync(join(folder, "data/deep/run.sh"), "true", { mode: 0o755 });
writeFileSync(join(folder, "data/a.txt"), "a");
execFileSync("mkfifo", [join(folder, "data/pipe")]);
symlinkSync("/etc", join(folder, "link"));
symlinkSync(".", join(folder, "loop"));
mkdirSync(join(folder, "linked"));
symlinkSync("../data/a.txt", join(folder, "linked/a.txt"));

type Type = "local_file" | "local_dir";

async function list(type: Type, path: string, granted = [folder]): Promise<LocalItem[]> {
  const items: LocalItem[] = [];
  const entry = { type, src: join(folder, path) };
  for await (const item of listLocal(entry, granted)) items.push(item);
  return items;
}

test("a directory is what is in it, in order, without what is neither file nor directory", async () => {
  const items = await list("local_dir", "data");
  const read = items.map(async ({ path, read }) => [path, (await read?.())?.executable]);
  expect(await Promise.all(read)).toEqual([
    ["", undefined],
    ["a.txt", false],
    ["deep", undefined],
    ["deep/run.sh", true],
    ["empty", undefined],
  ]);
  const [file] = await list("local_file", "data/a.txt");
  expect(file!.path).toBe("");
  expect(String(Buffer.from((await file!.read!()).data))).toBe("a");
});

test.each<[Type, string, string]>([
  ["local_dir", "link", "is a link"],
  ["local_file", "linked/a.txt", "is a link"],
  ["local_dir", "linked", "a.txt is a link"],
  ["local_dir", "loop/data", "is reached through a link"],
  ["local_file", "data", "is not a file"],
  ["local_file", "data/pipe", "is not a file"],
  ["local_dir", "data/a.txt", "is not a directory"],
  ["local_dir", "none", "cannot be read"],
  ["local_dir", "none/deeper", "cannot be read"],
])("a %s of %s is refused: %s", async (type, path, why) => {
  await expect(list(type, path)).rejects.toThrow(why);
});

test("what no grant names is refused, and so are grants that are reached through a link", async () => {
  await expect(list("local_dir", "data", [])).rejects.toThrow(
    "outside of the program's working directory",
  );
  await expect(list("local_dir", "data", [join(folder, "dat")])).rejects.toThrow("outside");
  await expect(list("local_dir", "loop/data", [join(folder, "loop/data")])).rejects.toThrow(
    "is reached through a link",
  );
});
