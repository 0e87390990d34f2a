import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findKernelspecs, kernelDirectories } from "./kernelspecs.ts";

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-specs-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

test("the user's own kernels come first, those of the system last", () => {
  const envs = { JUPYTER_PATH: "/opt/a:relative:/opt/b" };
  expect(kernelDirectories("/home/user", envs)).toEqual([
    "/opt/a/kernels",
    "/opt/b/kernels",
    "/home/user/.local/share/jupyter/kernels",
    "/usr/local/share/jupyter/kernels",
    "/usr/share/jupyter/kernels",
  ]);
});

test("of two kernels with one name the first counts", () => {
  const own = directoryWith({ "IR/kernel.json": '{"argv": ["own"], "language": "R"}' });
  const system = directoryWith({
    "ir/kernel.json": '{"argv": ["system"], "language": "R"}',
    "julia/kernel.json": '{"argv": ["j"], "interrupt_mode": "message", "env": {"A": "1", "B": 2}}',
  });
  expect(findKernelspecs([own, "/nowhere", system])).toEqual([
    {
      name: "IR",
      directory: join(own, "IR"),
      language: "r",
      argv: ["own"],
      env: {},
      interruptMode: "signal",
      dialect: "r",
    },
    {
      name: "julia",
      directory: join(system, "julia"),
      language: "julia",
      argv: ["j"],
      env: { A: "1" },
      interruptMode: "message",
      dialect: "julia",
    },
  ]);
});

test("what is no kernelspec is passed over", () => {
  const bad = {
    text: "{",
    list: "[]",
    none: "null",
    nothing: "{}",
    empty: '{"argv": []}',
    numbers: '{"argv": ["a", 1]}',
    nul: '{"argv": ["a\\u0000b"]}',
    long: `{"argv": ["${"a".repeat(70_000)}"]}`,
    "a name that is none": '{"argv": ["a"]}',
  };
  const files = Object.entries(bad).map(([name, text]) => [`${name}/kernel.json`, text] as const);
  const directory = directoryWith(Object.fromEntries(files));
  mkdirSync(join(directory, "folder/kernel.json"), { recursive: true });
  expect(findKernelspecs([directory])).toEqual([]);
});
