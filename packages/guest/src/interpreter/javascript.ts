import type { JavaScriptProcesses } from "./javascript-process.ts";
import type { Kernel, KernelOptions, Language } from "./language.ts";

/** JavaScript, or TypeScript with its types stripped: each kernel is a Node process. */
export class JavaScriptLanguage implements Language {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly #processes: JavaScriptProcesses;

  constructor(
    name: "javascript" | "typescript",
    aliases: readonly string[],
    processes: JavaScriptProcesses,
  ) {
    this.name = name;
    this.aliases = aliases;
    this.#processes = processes;
  }

  start(options: KernelOptions): Promise<Kernel> {
    return this.#processes.start({ ...options, language: this.name });
  }

  async warm(): Promise<void> {
    await this.#processes.fill(false);
  }

  close(): void {
    this.#processes.close();
  }
}
