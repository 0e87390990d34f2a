import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Capabilities } from "@emberbox/core/provider";
import { pythonEnvironment } from "../python/examples.ts";
import { methods } from "./methods.ts";
import { expectedOf, type Outcome } from "./run.ts";

/** A method of the Python SDK, by the name that it has in JavaScript's. */
export interface PythonOutcome extends Outcome {
  readonly method: string;
}

/** Calls every public method of the Python SDK on a server, in a program of its own. */
export async function callPythonMethods(
  python: string,
  variables: Readonly<Record<string, string>>,
): Promise<PythonOutcome[]> {
  // Otherwise it looks for what is in volumes elsewhere.
  const env = pythonEnvironment({ E2B_VOLUME_API_URL: variables["E2B_API_URL"]!, ...variables });
  const program = join(import.meta.dirname, "python/main.py");
  const { stdout } = await promisify(execFile)(python, [program], { env, timeout: 900_000 });
  const lines = stdout.trim().split("\n");
  return lines.map((line) => {
    const { method, result, error } = JSON.parse(line) as PythonOutcome;
    return { method: inJavaScript(method), result, error };
  });
}

/** What must come out: what the same method of the JavaScript SDKs must give. */
export function expectedOfPython(
  name: string,
  capabilities: Readonly<Capabilities>,
): Outcome["result"] {
  // What is in volumes is there if they are.
  const like = name.startsWith("volume.") ? "Volume.create" : name;
  const same = methods.find((method) => method.name === like);
  return same === undefined ? "works" : expectedOf(same, capabilities);
}

function inJavaScript(name: string): string {
  const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const others: Record<string, string> = {
    "Template.toJson": "Template.toJSON",
    "pty.sendStdin": "pty.sendInput",
  };
  return others[camel] ?? camel;
}
