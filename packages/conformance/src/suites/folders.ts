import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FolderProgress } from "@emberbox/core/files";
import type { Harness } from "../harness.ts";

/** Runs with a directory of the host that is gone afterwards. */
async function inScratch(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-folders-"));
  try {
    await use(directory);
  } finally {
    execFileSync("chmod", ["-R", "u+rwX", directory]);
    rmSync(directory, { recursive: true });
  }
}

function makeFolder(root: string): void {
  mkdirSync(join(root, "empty"), { recursive: true });
  mkdirSync(join(root, "node_modules/a"), { recursive: true });
  writeFileSync(join(root, "node_modules/a/file"), "left out");
  writeFileSync(join(root, "large"), Buffer.alloc(3_000_001, "large"));
  writeFileSync(join(root, "program"), "#!/bin/sh\necho it runs\n");
  chmodSync(join(root, "program"), 0o755);
  writeFileSync(Buffer.concat([Buffer.from(join(root, "latin-")), Buffer.of(0xe4)]), "odd");
  writeFileSync(join(root, "ü 'and' \"more\""), "odd");
  linkSync(join(root, "program"), join(root, "same"));
  symlinkSync("large", join(root, "link"));
  mkdirSync(join(root, "closed"));
  writeFileSync(join(root, "closed/inside"), "still here");
  execFileSync("find", [root, "-exec", "touch", "-h", "-d", "@1000000000.25", "{}", "+"]);
  chmodSync(join(root, "closed"), 0o555);
}

const FORM = String.raw`%P|%y|%m|%l|%T@\n`;
const listing = (root: string): string[] =>
  execFileSync("find", [root, "-mindepth", "1", "-printf", FORM], { encoding: "latin1" })
    .split("\n")
    .filter((line) => !line.startsWith("node_modules"))
    .toSorted();

const PROBE = "/tmp/folders";

export function describeFolders({ expect, behaviour, failure }: Harness): void {
  behaviour("files.upload-dir", (sandbox) =>
    inScratch(async (scratch) => {
      const root = join(scratch, "folder");
      makeFolder(root);
      const seen: FolderProgress[] = [];
      const to = `${PROBE}/up/it's`;
      const upload = (existing?: "refuse" | "replace" | "merge", path = to) =>
        sandbox.files.uploadDir(root, path, {
          existing,
          ignore: ["node_modules/"],
          onProgress: (progress) => seen.push(progress),
        });
      const copy = await upload();
      expect(copy).toMatchObject({ files: 6, skipped: [] });
      expect(seen.at(-1)).toEqual({ files: 6, bytes: copy.bytes, totalBytes: copy.bytes });
      const listed = `cd "${to}" && find . -mindepth 1 -printf '${FORM}' | base64 -w0`;
      const { stdout } = await sandbox.commands.run(listed);
      const lines = Buffer.from(stdout, "base64").toString("latin1").split("\n").toSorted();
      expect(lines).toEqual(listing(root));
      const { stdout: said } = await sandbox.commands.run(
        `cd "${to}" && ./same && stat -c %U program && cmp large link && stat -c %h same`,
      );
      expect(said).toBe("it runs\nuser\n2\n");

      await failure(upload(), "file_exists");
      await sandbox.commands.run(
        `touch "${to}/new" && rm -f "${to}/link" "${to}/program" && chmod u+w "${to}/closed"`,
      );
      await upload("merge", to);
      expect(await sandbox.files.exists(`${to}/new`)).toBe(true);
      expect(await sandbox.files.exists(`${to}/program`)).toBe(true);
      await upload("replace");
      expect(await sandbox.files.exists(`${to}/new`)).toBe(false);
      await failure(upload("replace", "/root/not-mine"), "permission_denied");
      await failure(sandbox.files.uploadDir(join(scratch, "nowhere"), to), "invalid_path");

      const reason = new Error("enough");
      const aborted = sandbox.files.uploadDir(root, `${PROBE}/aborted`, {
        onProgress: () => {
          throw reason;
        },
      });
      expect(await aborted.catch((error: unknown) => error)).toBe(reason);
      const names = (await sandbox.files.list(PROBE)).map(({ name }) => name);
      expect(names).toEqual(["up"]);
      const { stdout: rest } = await sandbox.commands.run(
        `for i in $(seq 50); do ls -A /tmp ${PROBE}/up | grep -c emberbox- || break; sleep 0.2; done | tail -1`,
      );
      expect(rest.trim() === "" || rest.trim() === "0").toBe(true);
    }),
  );

  behaviour("files.download-dir", (sandbox) =>
    inScratch(async (scratch) => {
      const root = join(scratch, "folder");
      makeFolder(root);
      const from = `${PROBE}/down`;
      await sandbox.files.uploadDir(root, from);
      const to = join(scratch, "back");
      const options = { ignore: ["node_modules"] };
      const copy = await sandbox.files.downloadDir(from, to, options);
      expect(copy.skipped).toEqual([]);
      expect(listing(to)).toEqual(listing(root));
      expect(readFileSync(join(to, "large")).equals(readFileSync(join(root, "large")))).toBe(true);
      await failure(sandbox.files.downloadDir(from, to), "file_exists");
      writeFileSync(join(to, "old"), "");
      await sandbox.files.downloadDir(from, to, { existing: "replace" });
      expect(readdirSync(to)).toContain("node_modules");
      expect(readdirSync(to).includes("old")).toBe(false);

      const refused = join(scratch, "refused");
      await failure(sandbox.files.downloadDir(`${PROBE}/nowhere`, refused), "file_not_found");
      const tooMuch = { maxBytes: 1_000_000 };
      await failure(sandbox.files.downloadDir(from, refused, tooMuch), "file_too_large");
      await failure(sandbox.files.downloadDir(from, refused, { maxEntries: 3 }), "file_too_large");
      await sandbox.commands.run(
        `mkdir ${PROBE}/bad && cd ${PROBE}/bad && ln -s /etc/passwd out && mkfifo pipe && echo fine > good`,
      );
      await failure(sandbox.files.downloadDir(`${PROBE}/bad`, refused), "invalid_path");
      const reason = new Error("enough");
      const controller = new AbortController();
      const aborted = sandbox.files.downloadDir(from, refused, {
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      });
      expect(await aborted.catch((error: unknown) => error)).toBe(reason);
      expect(readdirSync(scratch).toSorted()).toEqual(["back", "folder"]);
      const taken = await sandbox.files.downloadDir(`${PROBE}/bad`, refused, { skipUnsafe: true });
      expect([...taken.skipped].toSorted()).toEqual(["out", "pipe"]);
      expect(readdirSync(refused)).toEqual(["good"]);
    }),
  );
}
