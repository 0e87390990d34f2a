import type { SandboxSessions, SandboxSource, ToolOptions } from "@emberbox/core/tools";
import { placeOf, sourceOf, type ToolSource } from "./place.ts";

interface Working extends AsyncDisposable {
  readonly sessions: SandboxSessions;
}

/**
 * Decides which sandbox a call works in: that of `experimental_sandbox`, when it belongs to the same sessions or when
 * no source was given; otherwise that of the source.
 */
export class Places<Tools extends Working> implements AsyncDisposable {
  /** The tools for the source's sandboxes. */
  readonly tools: Tools;
  readonly #make: (source: SandboxSource | SandboxSessions) => Tools;
  readonly #threadId: string | undefined;
  readonly #given: boolean;
  readonly #others = new WeakMap<SandboxSessions, Tools>();

  /** @throws `invalid_argument`, `unsupported` */
  constructor(
    Make: new (source: SandboxSource | SandboxSessions, options: ToolOptions) => Tools,
    source: ToolSource,
    options: ToolOptions,
  ) {
    this.#make = (from) => new Make(from, options);
    this.tools = this.#make(sourceOf(source));
    this.#threadId = placeOf(source)?.threadId;
    this.#given = source !== undefined;
  }

  of(sandbox: unknown): { readonly tools: Tools; readonly threadId: string | undefined } {
    const place = placeOf(sandbox);
    if (place?.sessions === this.tools.sessions) {
      return { tools: this.tools, threadId: place.threadId };
    }
    if (place === undefined || this.#given) return { tools: this.tools, threadId: this.#threadId };
    const { sessions, threadId } = place;
    const tools = this.#others.get(sessions) ?? this.#make(sessions);
    this.#others.set(sessions, tools);
    return { tools, threadId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tools[Symbol.asyncDispose]();
  }
}
