import type { ToolPicture, ToolProgress, ToolResult } from "@emberbox/core/tools";

/** A picture in an output. */
export interface SandboxPicture extends ToolPicture {
  /** Its URL, when `storePicture` stored it; `base64` is then empty. */
  readonly url?: string;
}

/** The result of a call. */
export interface SandboxResult extends ToolResult {
  readonly pictures: readonly SandboxPicture[];
}

/** Stores a picture where a browser can load it, and resolves with its URL. */
export type StorePicture = (
  picture: ToolPicture,
  call: { readonly toolCallId: string },
) => string | PromiseLike<string>;

/** The most base64 characters that are remembered, of all pictures together. */
const MAX_REMEMBERED = 32 * 1024 * 1024;

/**
 * Pictures that were stored. Their bytes are remembered for a while, so that the model can see them in the same run.
 */
export class StoredPictures {
  readonly #store: StorePicture;
  readonly #report: (error: unknown) => void;
  readonly #bytes = new Map<string, string>();
  #size = 0;

  constructor(store: StorePicture, report: (error: unknown) => void) {
    this.#store = store;
    this.#report = report;
  }

  /**
   * The same output with its pictures stored. One that cannot be stored stays in the output, and the developer is told.
   */
  async output(
    output: ToolProgress | ToolResult,
    toolCallId: string,
  ): Promise<ToolProgress | SandboxResult> {
    if (output.status === "running") return output;
    const pictures = await Promise.all(
      output.pictures.map((picture) => this.#kept(picture, toolCallId)),
    );
    return { ...output, pictures };
  }

  async *outputs(
    values: AsyncIterable<ToolProgress | ToolResult>,
    toolCallId: string,
  ): AsyncGenerator<ToolProgress | SandboxResult, void, undefined> {
    for await (const value of values) yield await this.output(value, toolCallId);
  }

  /** A stored picture's bytes as base64, while they are remembered. */
  bytes(url: string): string | undefined {
    return this.#bytes.get(url);
  }

  async #kept(picture: ToolPicture, toolCallId: string): Promise<SandboxPicture> {
    try {
      const url = await this.#store(picture, { toolCallId });
      this.#remember(url, picture.base64);
      return { ...picture, base64: "", url };
    } catch (error) {
      this.#report(error);
      return picture;
    }
  }

  #remember(url: string, base64: string): void {
    this.#size += base64.length - (this.#bytes.get(url)?.length ?? 0);
    this.#bytes.delete(url);
    this.#bytes.set(url, base64);
    for (const [oldest, { length }] of this.#bytes) {
      if (this.#size <= MAX_REMEMBERED) return;
      this.#bytes.delete(oldest);
      this.#size -= length;
    }
  }
}
