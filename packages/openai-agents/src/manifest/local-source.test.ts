import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type LocalFile, readLocal } from "./local-source.ts";

const folder = mkdtempSync(join(tmpdir(), "emberbox-local-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "data/deep"), { recursive: true });
writeFileSync(join(folder, "data/deep/run.sh"), "true", { mode: 0o755 });
writeFileSync(join(folder, "data/a.txt"), "a");
symlinkSync("/etc", join(folder, "link"));

async function read(source: string, granted: string[]): Promise<LocalFile[]> {
  const files: LocalFile[] = [];
  for await (const file of readLocal(source, granted)) files.push(file);
  return files;
}

test("a directory is its files, in order", async () => {
  const files = await read(join(folder, "data"), [folder]);
  expect(files.map(({ path, executable }) => [path, executable])).toEqual([
    ["a.txt", false],
    ["deep/run.sh", true],
  ]);
  expect(String(Buffer.from(files[0]!.data))).toBe("a");
});

test("links, and what no grant names, are refused", async () => {
  await expect(read(join(folder, "data"), [])).rejects.toThrow(
    "outside of the program's working directory",
  );
  await expect(read(join(folder, "link"), [folder])).rejects.toThrow("is a link");
  const through = join(folder, "loop/data");
  symlinkSync(".", join(folder, "loop"));
  await expect(read(through, [folder])).rejects.toThrow("is reached through a link");
  await expect(read(folder, [folder])).rejects.toThrow("neither a file nor a directory");
  await expect(read(join(folder, "none"), [folder])).rejects.toThrow("cannot be read");
});
