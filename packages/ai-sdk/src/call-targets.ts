import type { SandboxSessions, SandboxSource, ToolOptions } from "@emberbox/core/tools";
import { conversationOf, sourceOf, type ToolSource } from "./conversation.ts";

interface Working extends AsyncDisposable {
  readonly sessions: SandboxSessions;
}

/**
 * Decides which sandbox a call works in: that of `experimental_sandbox`, when it belongs to the same sessions or when
 * no source was given; otherwise that of the source.
 */
export class CallTargets<Tools extends Working> implements AsyncDisposable {
  /** The tools for the source's sandboxes. */
  readonly tools: Tools;
  readonly #make: (source: SandboxSource | SandboxSessions) => Tools;
  readonly #threadId: string | undefined;
  readonly #given: boolean;
  readonly #others = new WeakMap<SandboxSessions, Tools>();

  /** @throws `invalid_argument`, `unsupported` */
  constructor(
    Make: new (
      source: SandboxSource | SandboxSessions,
      options: ToolOptions,
      adapter: string,
    ) => Tools,
    source: ToolSource,
    options: ToolOptions,
  ) {
    this.#make = (from) => new Make(from, options, "ai-sdk");
    this.tools = this.#make(sourceOf(source));
    this.#threadId = conversationOf(source)?.threadId;
    this.#given = source !== undefined;
  }

  of(sandbox: unknown): { readonly tools: Tools; readonly threadId: string | undefined } {
    const conversation = conversationOf(sandbox);
    if (conversation?.sessions === this.tools.sessions) {
      return { tools: this.tools, threadId: conversation.threadId };
    }
    if (conversation === undefined || this.#given)
      return { tools: this.tools, threadId: this.#threadId };
    const { sessions, threadId } = conversation;
    const tools = this.#others.get(sessions) ?? this.#make(sessions);
    this.#others.set(sessions, tools);
    return { tools, threadId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools[Symbol.asyncDispose]();
  }
}
