import { Sandbox } from "@emberbox/core";
import type { CreateOptions, SandboxProvider } from "@emberbox/core/provider";
import { microvm, type MicrovmOptions } from "@emberbox/microvm";
import { afterAll } from "vitest";
import type { EngineOptions } from "../../packages/microvm/src/provider/options.ts";

/** What the tests use that name no template: another release's, such as `debian-12`, if one is asked for. */
export const testTemplate: string | undefined = process.env["EMBERBOX_TEST_TEMPLATE"];

/** What the machines of tests are, if not what they usually are here: `arm64`, if that is asked for. */
export const testArchitecture = process.env["EMBERBOX_TEST_ARCH"] as EngineOptions["arch"];

/** An engine that has another usual template. */
export function engine(
  usualTemplate = testTemplate,
  options: MicrovmOptions = {},
): SandboxProvider {
  const made = microvm({ arch: testArchitecture, ...options } as EngineOptions);
  if (usualTemplate === undefined) return made;
  return {
    ...made,
    // Options of the wrong form are for the engine to refuse.
    create: (options) =>
      made.create(
        options?.constructor === Object && options.template === undefined
          ? { ...options, template: usualTemplate }
          : options,
      ),
  };
}

/** The engine that a test file shares; closed, with all that it made, when the file is done. */
export const provider = engine();

afterAll(() => provider[Symbol.asyncDispose]());

export function createSandbox(options: CreateOptions = {}): Promise<Sandbox> {
  return Sandbox.create({ provider, ...options });
}

/** The one shape that tests use beside the usual: each takes a template of its own, which takes minutes to warm. */
export const oddShape = { memoryMB: 768, cpuCount: 2 } as const;

/** Runs Python and returns what it printed; fails on an error in the code. */
export async function python(sandbox: Sandbox, code: string): Promise<string> {
  const execution = await sandbox.runCode(code);
  if (execution.error)
    throw new Error(
      `${execution.error.name}: ${execution.error.value}\n${execution.error.traceback}`,
    );
  return execution.logs.stdout.join("");
}
