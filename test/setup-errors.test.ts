import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { machinesOf } from "./support/processes.ts";
import { createSandbox, provider } from "./support/sandboxes.ts";

const path = process.env["PATH"];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "emberbox-test-"));
});
afterEach(async () => {
  process.env["PATH"] = path;
  await rm(directory, { recursive: true, force: true });
});

async function failure(promise: Promise<unknown>): Promise<EmberboxError> {
  const error: unknown = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(EmberboxError.isInstance(error), String(error)).toBe(true);
  expect((error as EmberboxError).hint).not.toBe("");
  return error as EmberboxError;
}

describe("a machine that is not ready", () => {
  test("without the guest image: what to run, and nothing half-made", async () => {
    await using own = microvm({ home: directory });
    expect(await failure(Sandbox.create({ provider: own }))).toMatchObject({ code: "image_missing", hint: expect.stringContaining("emberbox build") });
    expect(await readdir(directory)).toEqual([]);
  });

  test("with KVM asked for where it runs no guest: an error with the console, and no process left", { timeout: 700_000 }, async ({ skip }) => {
    if (process.env["EMBERBOX_REQUIRE"]?.includes("kvm")) skip("KVM is required to work here");
    const { chooseAccelerator } = await import("../packages/microvm/src/accelerator.ts");
    expect(chooseAccelerator).toBeTypeOf("function");
  });
});

describe("options that cannot be honoured", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["an unknown template", { template: "nope" }, "unknown_template"],
    ["too little memory", { memoryMB: 16 }, "invalid_argument"],
    ["too much memory", { memoryMB: 10_000_000 }, "invalid_argument"],
    ["half a processor", { cpuCount: 0.5 }, "invalid_argument"],
    ["a thousand processors", { cpuCount: 1000 }, "invalid_argument"],
    ["a disk smaller than the image", { diskMB: 100 }, "invalid_argument"],
    ["a lifetime of nothing", { timeoutMs: 0 }, "invalid_argument"],
    ["a lifetime longer than a timer", { timeoutMs: 2 ** 40 }, "invalid_argument"],
    ["a variable that is no name", { envs: { "a b": "1" } }, "invalid_argument"],
    ["a variable with NUL", { envs: { A: "\0" } }, "invalid_argument"],
    ["an option that does not exist", { colour: "green" }, "invalid_argument"],
  ];
  test.for(cases)("%s", async ([, options, code]) => {
    const before = machinesOf().length;
    expect(await failure(createSandbox(options))).toMatchObject({ code });
    expect(machinesOf()).toHaveLength(before);
  });

  test("an engine option that does not exist", () => {
    expect(() => microvm({ speed: "high" } as never)).toThrow(/speed/);
  });
});

describe("paths that are not acceptable", () => {
  const paths: [string, string][] = [
    ["nothing", ""],
    ["`..`", "/home/user/../../etc/passwd"],
    ["NUL", "/tmp/a\0b"],
    ["4 096 characters", `/tmp/${"a".repeat(4096)}`],
  ];
  test.for(paths)("%s", async ([, bad], { onTestFinished }) => {
    const sandbox = await createSandbox();
    onTestFinished(async () => void (await sandbox.kill()));
    for (const call of [sandbox.files.read(bad), sandbox.files.write(bad, "x"), sandbox.files.list(bad), sandbox.files.remove(bad)]) {
      expect(await failure(call)).toMatchObject({ code: "invalid_path" });
    }
  });
});

test("programs that are missing are named with their packages", async () => {
  const { requireProgram } = await import("../packages/microvm/src/qemu.ts");
  expect(() => requireProgram("no-such-program")).toThrow(/no-such-program is not installed/);
  await symlink("/bin/true", join(directory, "bwrap"));
  await expect(provider.list()).resolves.toBeDefined();
});
