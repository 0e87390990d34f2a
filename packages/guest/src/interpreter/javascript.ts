import { join } from "node:path";
import type { AgentContext } from "../context.ts";
import { ForkedKernel } from "./forked-kernel.ts";
import type { Kernel, KernelOptions, Language } from "./language.ts";
import { RawOutput } from "./raw-output.ts";
import { spawnKernel } from "./spawn.ts";

export interface JavaScriptOptions {
  readonly name: "javascript" | "typescript";
  readonly aliases: readonly string[];
  /** Directory that holds `javascript.mjs`. */
  readonly directory: string;
  readonly context: AgentContext;
}

// Not `--jitless`, which the agent has under emulation: loops would be many times slower there too,
// and without WebAssembly there is no `fetch`.
const NODE_FLAGS = ["--experimental-import-meta-resolve", "--disable-warning=ExperimentalWarning"];
/** JavaScript, or TypeScript with its types taken away: each kernel is a process of Node. */
export class JavaScriptLanguage implements Language {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly #options: JavaScriptOptions;

  constructor(options: JavaScriptOptions) {
    this.name = options.name;
    this.aliases = options.aliases;
    this.#options = options;
  }

  async start(options: KernelOptions): Promise<Kernel> {
    const { directory, context, name } = this.#options;
    const args = [...NODE_FLAGS, join(directory, "javascript.mjs"), name];
    const started = await spawnKernel(context, process.execPath, args, options);
    const kernel = new ForkedKernel(started.pid, started.frames, {
      output: new RawOutput(started.stdout, started.stderr),
      interrupt: () => void started.control.write("!"),
    });
    started.process.on("exit", (code, signal) =>
      kernel.exited({ code: code ?? undefined, signal: signal ?? undefined }),
    );
    await kernel.ready;
    return kernel;
  }

  async warm(): Promise<void> {}

  async restored(): Promise<void> {}

  close(): void {}
}
