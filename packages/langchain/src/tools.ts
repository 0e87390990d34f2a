import type { DynamicStructuredTool } from "@langchain/core/tools";
import {
  SandboxTools,
  type SandboxSessions,
  type SandboxSource,
  type ToolOptions,
} from "@emberbox/core/tools";
import { langchainTool, threadOf, type ThreadOf } from "./tool.ts";

/** LangChain streams output itself, so there is no progress to be set. */
export type LangChainToolOptions = Omit<ToolOptions, "progressIntervalMs" | "progressBytes">;

/** Tools for `createAgent`, `bindTools` and graphs, with their sandboxes. `await using` ends those made here. */
export class LangChainTools implements AsyncDisposable {
  readonly tools: DynamicStructuredTool[];
  readonly #sandbox: SandboxTools;

  /** `createSandboxTools` makes these. */
  constructor(sandbox: SandboxTools, thread: ThreadOf = threadOf) {
    this.#sandbox = sandbox;
    this.tools = sandbox.tools.map((tool) => langchainTool(tool, thread));
  }

  /** One sandbox for each thread; other tools, middleware and backends may share them. */
  get sessions(): SandboxSessions {
    return this.#sandbox.sessions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandbox[Symbol.asyncDispose]();
  }
}

/**
 * A code interpreter and a sandbox for LangChain agents. The tools work in a sandbox that was given, or in sandboxes
 * of a provider (or of the engine on this machine), one for each `thread_id`, made when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxTools(
  source?: SandboxSource | SandboxSessions,
  options?: LangChainToolOptions,
): LangChainTools {
  return new LangChainTools(new SandboxTools(source, options));
}
