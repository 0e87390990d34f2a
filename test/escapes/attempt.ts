import type { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Client } from "./ceiling.ts";
import type { Outside } from "./network/outside.ts";
import type { Probed } from "./probe.ts";
import type { Served } from "./server.ts";

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

export interface Outcome {
  /** What shows that the attempt arrived where it was to do harm. Empty when it did not: then it shows nothing. */
  readonly delivered: string;
  /** What came of it. */
  readonly seen: string;
  /** Who was seen to refuse it, where that is not who is named by the attempt. */
  readonly refusedBy?: string;
}

/** What attempts are made in. */
export interface World {
  readonly provider: SandboxProvider;
  /** A sandbox that attempts share. */
  readonly sandbox: Sandbox;
  /** A neighbour, which must not notice. */
  readonly bystander: Sandbox;
  /** A sandbox of the attempt's own, which may not survive it. */
  readonly create: () => Promise<Sandbox>;
  /** A client of a server that has the usual ceiling. */
  readonly client: () => Promise<Client>;
  /** What attempts on the network are made in. */
  readonly outside: () => Promise<Outside>;
  /** What a program that runs in QEMU's place has seen, by attempt, in each world of `probeWorlds`. */
  readonly probes: () => Promise<readonly Probed[]>;
  /** A server with two tenants. */
  readonly served: () => Promise<Served>;
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
