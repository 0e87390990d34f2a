import { describe, expect, test } from "vitest";
import { EmberboxError } from "./errors.ts";
import { checkPath } from "./files/path.ts";
import { Sandbox } from "./sandbox.ts";
import { scriptedSandbox } from "./testing/scripted-sandbox.ts";

const silent = (): void => {};

async function messageOf(work: (sandbox: Sandbox) => Promise<unknown>): Promise<string> {
  await using it = await scriptedSandbox(silent);
  const error = await work(it.sandbox).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(EmberboxError.isInstance(error) && error.code).toBe("invalid_argument");
  return (error as EmberboxError).message;
}

describe("an option that is not acceptable is named", () => {
  const wrong: [work: (sandbox: Sandbox) => Promise<unknown>, message: string][] = [
    [
      (sandbox) => sandbox.runCode("1", { timeoutMs: "x" as never }),
      "Expected the `timeoutMs` option to be a whole number from 0 to 2147483647, got `x` (string)",
    ],
    [
      (sandbox) => sandbox.runCode("1", { timeoutMs: -1 }),
      "Expected the `timeoutMs` option to be a whole number from 0 to 2147483647, got `-1` (number)",
    ],
    [
      (sandbox) => sandbox.runCode("1", { envs: { "A=B": "1" } }),
      "Expected the `envs` option to be an object of strings, without NUL, whose names have no `=`, got an object",
    ],
    [
      (sandbox) => sandbox.runCode("1", { language: "python", context: "x" }),
      "Give `language` or `context`, not both: a context has its language",
    ],
    [(sandbox) => sandbox.runCode(5 as never), "Expected `code` to be a string, got `5` (number)"],
    [
      (sandbox) => sandbox.commands.run("ls", { user: "a:b" }),
      "Expected the `user` option to be a user's name, got `a:b` (string)",
    ],
    [
      (sandbox) => sandbox.commands.run("a\0b"),
      "Expected `cmd` to be a string without NUL, got `a␀b` (string)",
    ],
    [
      (sandbox) => sandbox.commands.kill(0),
      "Expected `pid` to be a positive integer, got `0` (number)",
    ],
    [
      (sandbox) => sandbox.files.list("/", { depth: 0 }),
      "Expected the `depth` option to be a positive integer, got `0` (number)",
    ],
    [
      (sandbox) => sandbox.files.read("x", { encoding: "utf8" } as never),
      "Unknown option `encoding`; known here: `requestTimeoutMs`, `signal`, `user`, `format`",
    ],
    [
      (sandbox) => sandbox.setTimeout(0),
      "Expected `timeoutMs` to be a whole number from 1 to 2147483647, got `0` (number)",
    ],
    [
      () => Sandbox.create({ provider: {} as never, memoryMB: 0 }),
      "Expected the `provider` option to be a provider, got an object",
    ],
    [
      (sandbox) => sandbox.runCode("1", 3 as never),
      "Expected the options to be an object, got `3` (number)",
    ],
  ];
  for (const [work, message] of wrong)
    test(message, async () => expect(await messageOf(work)).toBe(message));
});

describe("paths", () => {
  for (const path of ["", "a\0b", "..", "/a/../b", "a/..", `/${"a".repeat(4095)}`, 5 as never]) {
    test(`${JSON.stringify(path).slice(0, 30)} is refused`, () => {
      expect(() => checkPath(path)).toThrow(expect.objectContaining({ code: "invalid_path" }));
    });
  }
  for (const path of ["a", "/", "~/x", "..a/b..", "/a b/ü\n", `/${"a".repeat(4094)}`]) {
    test(`${JSON.stringify(path).slice(0, 30)} is accepted`, () =>
      expect(checkPath(path)).toBe(path));
  }
});
