import type { ToolRun } from "../definition.ts";
import { homePath } from "../path.ts";
import { readWholeText } from "../whole-text.ts";
import { entryAt } from "../write-file.ts";
import { applyDiff } from "./diff.ts";

/** A call of OpenAI's `apply_patch`. */
export interface PatchOperation {
  readonly type: "create_file" | "update_file" | "delete_file" | (string & {});
  readonly path: string;
  readonly diff?: string | null | undefined;
}

/** The answer to `apply_patch`. */
export interface PatchResult {
  readonly status: "completed" | "failed";
  readonly output: string;
}

export async function applyPatch(
  { type, path: given, diff }: PatchOperation,
  run: ToolRun,
): Promise<PatchResult> {
  if (typeof given !== "string" || given === "")
    return failed("The patch does not say which file.");
  const path = homePath(given);
  if (type === "delete_file") return remove(path, run);
  if (type !== "create_file" && type !== "update_file") {
    return failed("Expected `create_file`, `update_file` or `delete_file`.");
  }
  if (typeof diff !== "string") return failed("The patch has no `diff`.");
  return type === "create_file" ? create(path, diff, run) : update(path, diff, run);
}

async function create(path: string, diff: string, run: ToolRun): Promise<PatchResult> {
  const there = await entryAt(path, run);
  if (there !== undefined) return failed(`${there.path} is there already; update it instead.`);
  const text = patched("", diff, "create");
  if ("problem" in text) return failed(text.problem);
  const written = await run.sandbox.files.write(path, text.text, { signal: run.signal });
  return { status: "completed", output: `Created ${written.path}.` };
}

async function update(path: string, diff: string, run: ToolRun): Promise<PatchResult> {
  const file = await readWholeText(path, run);
  if ("problem" in file) return failed(file.problem);
  const text = patched(file.text, file.given(diff), "default");
  if ("problem" in text) return failed(`${file.path} was not changed: ${file.shown(text.problem)}`);
  await run.sandbox.files.write(path, file.bytes(text.text), { signal: run.signal });
  return { status: "completed", output: `Updated ${file.path}.` };
}

async function remove(path: string, run: ToolRun): Promise<PatchResult> {
  const there = await entryAt(path, run);
  if (there === undefined) return failed(`There is no file ${path}.`);
  if (there.type === "dir") return failed(`${there.path} is a directory.`);
  await run.sandbox.files.remove(path, { signal: run.signal });
  return { status: "completed", output: `Deleted ${there.path}.` };
}

function patched(
  text: string,
  diff: string,
  mode: "create" | "default",
): { text: string } | { problem: string } {
  try {
    return { text: applyDiff(text, diff, mode) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function failed(output: string): PatchResult {
  return { status: "failed", output };
}
