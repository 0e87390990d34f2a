import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ExampleRun, runProgram, withoutKeys } from "../../../scripts/examples.ts";
import { examples, type Requirements } from "./environment.ts";

/** The programs of `examples/python`, without what they share. */
export function findPythonExamples(): string[] {
  return readdirSync(examples)
    .filter((name) => name.endsWith(".py") && name !== "scripted_model.py")
    .toSorted();
}

/** The package that an example says it needs, if it is not among the requirements. */
export function missingPackage(name: string, requirements: Requirements): string | undefined {
  const needed = /^needs: (\S+)$/m.exec(readFileSync(join(examples, name), "utf8"))?.[1];
  const installed = readFileSync(join(examples, requirements), "utf8");
  return needed !== undefined && !installed.includes(`${needed}==`) ? needed : undefined;
}

/** What Python programs get besides the variables that a server prints. */
export function pythonEnvironment(
  variables: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return {
    ...withoutKeys(),
    PYTHONPATH: join(import.meta.dirname, "names"),
    PYTHONUTF8: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    ...variables,
  };
}

/** Runs an example where `npx emberbox` is this workspace's. */
export function runPythonExample(
  python: string,
  name: string,
  variables: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<ExampleRun> {
  const env = pythonEnvironment(variables);
  return runProgram(python, [join(examples, name)], { cwd: examples, env, signal });
}
