import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkTar } from "./tar.ts";

const folder = mkdtempSync(join(tmpdir(), "emberbox-tar-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "a"), "a".repeat(700));
writeFileSync(join(folder, "b"), "");
const archive = new Uint8Array(execFileSync("tar", ["-C", folder, "-cf", "-", "a", "b"]));
const none = { maxInputBytes: null, maxExtractedBytes: null, maxMembers: null };

test("a tar archive within the limits passes", () => {
  checkTar(archive, null);
  checkTar(archive, { maxInputBytes: archive.length, maxExtractedBytes: 700, maxMembers: 2 });
});

test("each limit is kept", () => {
  expect(() => checkTar(archive, { ...none, maxInputBytes: 100 })).toThrow("100 bytes allowed");
  expect(() => checkTar(archive, { ...none, maxExtractedBytes: 699 })).toThrow(
    "699 bytes unpacked",
  );
  expect(() => checkTar(archive, { ...none, maxMembers: 1 })).toThrow("1 members");
});

test("the workspace itself is no member, and errors have details", () => {
  const whole = new Uint8Array(execFileSync("tar", ["-C", folder, "-cf", "-", "."]));
  checkTar(whole, { ...none, maxMembers: 2 });
  const check = () => checkTar(whole, { ...none, maxMembers: 1 });
  expect(check).toThrow(
    expect.objectContaining({
      details: expect.objectContaining({
        reason: "archive member count exceeds limit",
        limit: 1,
        actual: 2,
        member: expect.stringMatching(/^\.\/[ab]$/),
      }),
    }),
  );
});

test("what is not a tar archive is refused", () => {
  expect(() => checkTar(new Uint8Array(0), null)).toThrow("cut short");
  expect(() => checkTar(new Uint8Array(2000).fill(65), null)).toThrow("not a tar file");
  expect(() => checkTar(archive.subarray(0, 700), null)).toThrow("cut short");
  const damaged = new Uint8Array(archive);
  damaged[3] = 1;
  expect(() => checkTar(damaged, null)).toThrow("damaged");
});
