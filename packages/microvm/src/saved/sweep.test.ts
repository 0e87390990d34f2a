import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { sweepState } from "./sweep.ts";

/** Above the highest possible process id. */
const NOBODY = 2 ** 22 + 1;

function scratch(): string {
  const root = mkdtempSync(join(tmpdir(), "emberbox-sweep-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return root;
}

/** What a program that was killed left below `kind`. */
function leave(root: string, kind: string): string {
  const directory = join(root, kind, `.gone-${NOBODY}-x`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "manifest.json"), "{}");
  return directory;
}

test("programs that begin at once remove the same leftovers", async () => {
  const root = scratch();
  const copies = Array.from({ length: 200 }, (_, number) => join(root, "bases", `${number}`));
  mkdirSync(join(root, "bases"));
  for (const copy of copies) writeFileSync(copy, "a copy");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  await Promise.all(Array.from({ length: 4 }, () => sweepState(root)));
  expect(copies.filter((copy) => existsSync(copy))).toEqual([]);
});

test("what another user left keeps nothing else from being removed", async () => {
  const root = scratch();
  const theirs = leave(root, "paused");
  const ours = leave(root, "snapshots");
  for (const path of [root, join(root, "snapshots"), ours]) chmodSync(path, 0o777);
  chmodSync(join(root, "paused"), 0o555);
  chmodSync(theirs, 0o555);
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    await expect(sweepState(root)).rejects.toMatchObject({ code: "EACCES" });
  } finally {
    if (isRoot) process.seteuid!(0);
    chmodSync(join(root, "paused"), 0o755);
    chmodSync(theirs, 0o755);
  }
  expect(existsSync(theirs)).toBe(true);
  expect(existsSync(ours)).toBe(false);
});
