import type { Sandbox } from "@emberbox/core";
import type { Outside } from "./network/outside.ts";
import type { Probe } from "./probe.ts";

/** Something that code in a sandbox, or a QEMU that such code took over, may try against the host. */
export interface Attempt {
  /** Where it is tried from, and what: `guest.`, `root.`, `agent.`, `files.`, `net.`, `qemu.` */
  readonly id: string;
  readonly tries: string;
  /** What was seen when it was tried. */
  readonly run: (world: World) => Promise<string>;
  /** What is seen when it is refused; anything else has got through. */
  readonly refused: RegExp;
}

/** What attempts are made in. */
export interface World {
  /** A sandbox that attempts share. */
  readonly sandbox: Sandbox;
  /** A neighbour, which must not notice. */
  readonly bystander: Sandbox;
  /** A sandbox of the attempt's own, which may not survive it. */
  readonly create: () => Promise<Sandbox>;
  /** What attempts on the network are made in. */
  readonly outside: () => Promise<Outside>;
  /** What a program that runs in QEMU's place has seen, by attempt. */
  readonly probe: () => Promise<Probe>;
}

/** An attempt by a shell command in the sandbox. */
export function command(
  user: "user" | "root",
  id: string,
  tries: string,
  script: string,
  refused: RegExp,
): Attempt {
  const run = async ({ sandbox }: World): Promise<string> => {
    const { stdout, stderr } = await sandbox.commands.run(script, { user, timeoutMs: 30_000 });
    return `${stdout}${stderr}`.trim();
  };
  return { id, tries, run, refused };
}
