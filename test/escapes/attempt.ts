import type { Outcome, World } from "./world.ts";

/** Something that code in a sandbox, or a QEMU that such code took over, may try against the host. */
export interface Attempt {
  /** Where it is tried from, and what: `guest.`, `root.`, `agent.`, `files.`, `net.`, `qemu.` */
  readonly id: string;
  readonly tries: string;
  /** The layer that refuses it: "the guest's kernel", "the gateway", "the jail's filter". */
  readonly refusedBy: string;
  readonly run: (world: World) => Promise<Outcome>;
  /** It is made by another user of this machine, whom only root can become. */
  readonly needsRoot?: true;
  /** What is seen when it is refused; anything else has got through. */
  readonly refused: RegExp;
}

/** An attempt by a shell command in the sandbox. */
export function command(
  user: "user" | "root",
  attempt: Omit<Attempt, "run"> & { readonly script: string },
): Attempt {
  const { script, ...rest } = attempt;
  const run = async ({ sandbox }: World): Promise<Outcome> => {
    const options = { user, timeoutMs: 30_000 };
    const { stdout, stderr, exitCode } = await sandbox.commands.run(script, options);
    const said = `${stdout}${stderr}`.trim();
    return { delivered: ranToItsEnd(exitCode, said), seen: said };
  };
  return { ...rest, run };
}

/** A script that lacked a program it needs has tried nothing. */
export function ranToItsEnd(exitCode: number, said: string): string {
  const isMissing = exitCode === 126 || exitCode === 127 || said.includes("command not found");
  return isMissing ? "" : `ran, exit code ${exitCode}`;
}
