import { parseOptions } from "@emberbox/core/options";
import type { SignalOptions } from "@emberbox/core/provider";
import {
  laterPosition,
  NativeTools,
  type SandboxPosition,
  SandboxTools,
  type SandboxSource,
  type ToolOptions,
} from "@emberbox/core/tools";
import type { Editor, FunctionTool, Shell, ShellResult } from "@openai/agents-core";
import { z } from "zod";
import { ADAPTER } from "./options.ts";
import { adaptingFields, asFunctionTool, type AsFunctionToolOptions, positionIn } from "./parts.ts";

const schema = z.strictObject(adaptingFields);

/** Options of the tools, and of the functions made of them. */
export interface SandboxToolsOptions extends ToolOptions, AsFunctionToolOptions {}

/** What is used of a `RunState`. */
export interface SavedRun {
  readonly _generatedItems: readonly object[];
}

/** Whose sandbox it is. */
export interface ReturnOptions extends SignalOptions {
  /** The conversation. @default that of calls without a conversation */
  readonly threadId?: string | undefined;
}

/** Tools for a plain `Agent`. `await using` ends the sandboxes created here. */
export interface AgentSandboxTools extends AsyncDisposable {
  /** For the `tools` option of an agent. */
  readonly tools: FunctionTool[];
  /** For `shellTool({ shell })`. It works in the same sandbox as the functions when those have no `threadId`. */
  readonly shell: Shell;
  /** For `applyPatchTool({ editor })`. */
  readonly editor: Editor;
  /**
   * Takes the sandbox back to where it was when a run was saved, with `checkpoints`: pass the restored `RunState`. A
   * state in which no call has given a result changes nothing.
   * @throws `checkpoint_not_found`, and what creating the sandbox throws
   */
  returnTo(state: SavedRun, options?: ReturnOptions): Promise<void>;
  /** The same tools with their full results, for use without an agent. */
  readonly sandboxTools: SandboxTools;
}

/**
 * Turns the sandbox's tools into functions of the framework, and provides what its own shell and patch tools need. They
 * work in the given sandbox, or in sandboxes of a provider (by default the engine on this machine), created when first
 * needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function sandboxTools(
  source?: SandboxSource,
  options: SandboxToolsOptions = {},
): AgentSandboxTools {
  const { needsApproval, onOutput, threadId, ...toolOptions } = options;
  parseOptions(schema, { needsApproval, onOutput, threadId });
  const adapt: AsFunctionToolOptions = { needsApproval, onOutput, ...(threadId && { threadId }) };
  const set = new SandboxTools(source, toolOptions, ADAPTER);
  const { include: _include, prefix: _prefix, facts: _facts, ...nativeOptions } = toolOptions;
  const native = new NativeTools(set.sessions, nativeOptions);
  return {
    tools: set.tools.map((tool) => asFunctionTool(tool, adapt)),
    sandboxTools: set,
    async returnTo({ _generatedItems: items }, options) {
      const at = items.reduce(
        (latest: SandboxPosition | undefined, item) => laterPosition(latest, positionIn(item)),
        undefined,
      );
      if (at !== undefined) await set.sessions.goTo({ at, trusted: true }, options);
    },
    shell: {
      // Nothing of the result is kept here, so the framework may modify it.
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
