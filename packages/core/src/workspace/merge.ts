import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The longest text that is merged, in bytes. */
export const MAX_MERGED: number = 4 * 1024 * 1024;

/** What came of a merge: the text, or why there is none. */
export type Merged = { readonly bytes: Buffer } | { readonly why: string };

/** Merges what two did to a text, line by line, as git does. */
export async function mergeTexts(
  original: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
): Promise<Merged> {
  if ([original, ours, theirs].some((bytes) => bytes.includes(0))) return { why: "it is not text" };
  const directory = await mkdtemp(join(tmpdir(), "emberbox-merge-"));
  try {
    const paths = ["ours", "original", "theirs"].map((name) => join(directory, name));
    const contents = [ours, original, theirs];
    await Promise.all(
      paths.map((path, index) => writeFile(path, contents[index]!, { mode: 0o600 })),
    );
    return await mergeFiles(directory, paths);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function mergeFiles(cwd: string, paths: readonly string[]): Promise<Merged> {
  // No repository's settings have a say.
  const env = {
    PATH: process.env["PATH"],
    GIT_DIR: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };
  const options = { cwd, env, encoding: "buffer", maxBuffer: 3 * MAX_MERGED } as const;
  return new Promise((resolve) => {
    execFile("git", ["merge-file", "-p", "--", ...paths], options, (error, stdout) => {
      if (error === null) return resolve({ bytes: stdout });
      if (error.code === "ENOENT")
        return resolve({ why: "merging takes git, which is not installed" });
      const conflicts = typeof error.code === "number" && error.code > 0 && error.code < 128;
      resolve({ why: conflicts ? "the same lines were changed" : "git could not merge it" });
    });
  });
}
