import { describe, expect, test } from "vitest";
import { EmberboxError } from "./errors.ts";
import { checkPath } from "./files/path.ts";
import { Sandbox } from "./sandbox.ts";
import { scriptedSandbox } from "./testing/scripted-sandbox.ts";
import { createSandboxTools } from "./tools/create-tools.ts";

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

describe("a nested mistake is answered by the names of its own level", () => {
  const provider = { capabilities: {}, create: () => expect.fail() } as never;
  const wrong: [options: object, message: string][] = [
    [
      { facts: { languagez: [] } },
      "Unknown option `languagez` in `facts`; known there: `languages`, `software`, `system`, `workingDirectory`, `network`",
    ],
    [
      { facts: { languages: "python" } },
      "Expected the `facts.languages` option to be an array of strings, got `python` (string)",
    ],
    [{ include: ["run"] }, "Expected the `include` option to be an array of run_code, "],
  ];
  for (const [options, message] of wrong)
    test(message, () => expect(() => createSandboxTools(provider, options)).toThrow(message));

  const wrongSource: [source: object, message: string][] = [
    [
      { network: { allowOuts: [] } },
      "Unknown option `allowOuts` in `network`; known there: `allowOut`, `denyOut`, `rules`, `allowPublicTraffic`, `maskRequestHost`",
    ],
    [
      { network: { allowOut: [5] } },
      "Expected the `network` option to be a boolean or `{ allowOut, denyOut, rules, allowPublicTraffic, maskRequestHost, egressProxy }`, got an object",
    ],
    [
      { secrets: { KEY: { "sk-hunter2": ["example.com"] } } },
      "Expected the `secrets` option to be `{ NAME: { value, hosts } }`",
    ],
    [
      { secrets: { KEY: { value: "12345678", hosts: ["example.com"], "sk-hunter2": 1 } } },
      "Unknown option in `secrets.KEY`; known there: `value`, `hosts`",
    ],
    [{ memory: 5 }, "Unknown option `memory`; known here: `provider`, `timeoutMs`, `template`, "],
  ];
  for (const [source, message] of wrongSource)
    test(message, () => expect(() => createSandboxTools({ provider, ...source })).toThrow(message));
});

test("what a provider does not claim is refused when tools are made", () => {
  const provider = { name: "small", capabilities: {}, create: () => expect.fail() } as never;
  expect(() => createSandboxTools({ provider, network: false })).toThrow(
    "The provider small cannot restrict the network",
  );
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
