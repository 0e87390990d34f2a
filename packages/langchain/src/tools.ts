import type { DynamicStructuredTool } from "@langchain/core/tools";
import {
  SandboxTools,
  type SandboxSessions,
  type SandboxSource,
  type ToolOptions,
} from "@emberbox/core/tools";
import { langchainTool, threadOf, type ThreadOf } from "./tool.ts";

/** Options of the tools. LangChain streams output itself, so there are none for progress. */
export type LangChainToolOptions = Omit<ToolOptions, "progressIntervalMs" | "progressBytes">;

/** Tools for `createAgent`, `bindTools` and graphs, and their sandboxes. `await using` ends those created here. */
export class LangChainTools implements AsyncDisposable {
  readonly tools: DynamicStructuredTool[];
  readonly #sandbox: SandboxTools;

  /** Use `createSandboxTools`. */
  constructor(sandbox: SandboxTools, thread: ThreadOf = threadOf) {
    this.#sandbox = sandbox;
    this.tools = sandbox.tools.map((tool) => langchainTool(tool, thread));
  }

  /** One sandbox per thread; other tools, middleware and backends can share them. */
  get sessions(): SandboxSessions {
    return this.#sandbox.sessions;
  }

  /** Ends the sandboxes that were created here. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandbox[Symbol.asyncDispose]();
  }
}

/**
 * A code interpreter and a sandbox for LangChain agents. The tools work in the given sandbox, or in sandboxes of a
 * provider (by default the engine on this machine), one per `thread_id`, created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxTools(
  source?: SandboxSource | SandboxSessions,
  options?: LangChainToolOptions,
): LangChainTools {
  return new LangChainTools(new SandboxTools(source, options, "langchain"));
}
