import { parseOptions } from "@emberbox/core";
import {
  NativeTools,
  SandboxTools,
  type SandboxSource,
  type ToolOptions,
} from "@emberbox/core/tools";
import type { Editor, FunctionTool, Shell, ShellResult } from "@openai/agents-core";
import { z } from "zod";
import { adaptingFields, asFunctionTool, type AsFunctionToolOptions } from "./parts.ts";

const schema = z.strictObject(adaptingFields);

export interface SandboxToolsOptions extends ToolOptions, AsFunctionToolOptions {}

/** Tools for a plain `Agent`. `await using` ends the sandboxes made here. */
export interface AgentSandboxTools extends AsyncDisposable {
  /** For `tools` of an agent. */
  readonly tools: FunctionTool[];
  /** For `shellTool({ shell })`. It works in the same sandbox as the functions, when those have no `threadId`. */
  readonly shell: Shell;
  /** For `applyPatchTool({ editor })`. */
  readonly editor: Editor;
  /** The functions with their results, for use without an agent. */
  readonly sandboxTools: SandboxTools;
}

/**
 * The sandbox's tools as functions of the framework, and what its own shell and patch tools need. They work in a sandbox
 * that was given, or in sandboxes of a provider or of the engine on this machine, made when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function sandboxTools(
  source?: SandboxSource,
  options: SandboxToolsOptions = {},
): AgentSandboxTools {
  const { needsApproval, onOutput, threadId, ...toolOptions } = options;
  parseOptions(schema, { needsApproval, onOutput, threadId });
  const adapt: AsFunctionToolOptions = { needsApproval, onOutput, ...(threadId && { threadId }) };
  const set = new SandboxTools(source, toolOptions);
  const { include: _include, prefix: _prefix, facts: _facts, ...nativeOptions } = toolOptions;
  const native = new NativeTools(set.sessions, nativeOptions);
  return {
    tools: set.tools.map((tool) => asFunctionTool(tool, adapt)),
    sandboxTools: set,
    shell: {
      // Nothing of what this returns is kept here, so the framework may have it as its own.
      run: async (action) => (await native.shell(action)) as ShellResult,
    },
    editor: {
      createFile: (operation) => native.applyPatch(operation),
      updateFile: (operation) => native.applyPatch(operation),
      deleteFile: (operation) => native.applyPatch(operation),
    },
    [Symbol.asyncDispose]: () => set[Symbol.asyncDispose](),
  };
}
