import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { CopyEntry } from "../../template-request.ts";
import { tarOf } from "./tar.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-tar-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("tar reads what was written: files of any size, modes, links and long names", async () => {
  const directory = scratch();
  const large = join(directory, "large");
  writeFileSync(large, Buffer.alloc(1_000_001, "large"));
  const small = join(directory, "small");
  writeFileSync(small, "it's small");
  const empty = join(directory, "empty");
  writeFileSync(empty, "");
  const long = `${"ü".repeat(70)}/${"x".repeat(90)}`;
  const entries: CopyEntry[] = [
    { path: "", type: "directory", mode: 0o750 },
    { path: "large", type: "file", mode: 0o755, source: large },
    { path: "with space", type: "file", mode: 0o600, source: small },
    { path: "empty", type: "file", mode: 0o644, source: empty },
    { path: "link", type: "symlink", mode: 0o777, target: "../somewhere" },
    { path: "far", type: "symlink", mode: 0o777, target: `/${"t".repeat(150)}` },
    { path: "ü".repeat(70), type: "directory", mode: 0o755 },
    { path: long, type: "file", mode: 0o644, source: small },
  ];
  const archive = await buffer(
    Readable.from(tarOf(entries, ({ path }) => (path === "" ? "files" : `files/${path}`))),
  );
  expect(archive.length % 512).toBe(0);
  const into = scratch();
  execFileSync("tar", ["-xpf", "-", "-C", into], { input: archive });
  const at = (path: string) => join(into, "files", path);
  expect(readFileSync(at("large")).equals(readFileSync(large))).toBe(true);
  expect(readFileSync(at("with space"), "utf8")).toBe("it's small");
  expect(readFileSync(at(long), "utf8")).toBe("it's small");
  expect(statSync(at("empty")).size).toBe(0);
  const modes = ["", "large", "with space"].map((path) => statSync(at(path)).mode & 0o777);
  expect(modes).toEqual([0o750, 0o755, 0o600]);
  expect([readlinkSync(at("link")), readlinkSync(at("far"))]).toEqual([
    "../somewhere",
    `/${"t".repeat(150)}`,
  ]);
});
