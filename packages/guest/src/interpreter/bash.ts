import { BashKernel } from "./bash-kernel.ts";
import type { Kernel, KernelOptions, Language } from "./language.ts";
import { spawnKernel } from "./spawn.ts";

/** Interactive, because only such a shell goes back to its prompt when it is interrupted. */
export const BASH_ARGUMENTS: readonly string[] = [
  "--norc",
  "--noprofile",
  "--noediting",
  "+m",
  "-i",
];

/** Bash: each kernel is one long-lived shell, with its variables, functions and directory. */
export class BashLanguage implements Language {
  readonly name = "bash";
  readonly aliases: readonly string[] = ["sh", "shell"];

  async start(options: KernelOptions): Promise<Kernel> {
    const prompts = { PS1: "", PS2: "", BASH_SILENCE_DEPRECATION_WARNING: "1" };
    const envs = { ...options.envs, ...prompts };
    const place = { ...options, envs };
    const started = await spawnKernel("/bin/bash", BASH_ARGUMENTS, place, "pipe");
    const kernel = new BashKernel(started);
    await kernel.ready;
    return kernel;
  }

  async warm(): Promise<void> {}

  close(): void {}
}
