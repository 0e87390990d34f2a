import type { ToolContext, ToolOutput } from "./types.ts";

/** Tells errors of the caller's own callback apart from other failures. */
export class OutputHook {
  #thrown: { readonly error: unknown } | undefined;
  readonly callback: ((output: ToolOutput) => unknown) | undefined;

  constructor(given: ToolContext["onOutput"]) {
    this.callback = given && (async (output) => this.#call(given, output));
  }

  throwIfThrew(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  async #call(given: NonNullable<ToolContext["onOutput"]>, output: ToolOutput): Promise<void> {
    try {
      await given(output);
    } catch (error) {
      this.#thrown ??= { error };
      throw error;
    }
  }
}
