import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import type { Attempt } from "./attempt.ts";
import { ceilingAttempts, openClient } from "./ceiling.ts";
import { buildAttempts } from "./builds.ts";
import { agentAttempts } from "./channel.ts";
import { costAttempts } from "./cost.ts";
import { fileAttempts } from "./files.ts";
import { imageAttempts } from "./images.ts";
import { memoryAttempts } from "./guest-memory.ts";
import { rootAttempts, userAttempts } from "./guest.ts";
import { hostAttempts } from "./host.ts";
import { neighbourAttempts } from "./neighbours.ts";
import { networkAttempts } from "./network/index.ts";
import { openOutside } from "./network/outside.ts";
import { probeAll, type Probed } from "./probe.ts";
import { pieces, qemuAttempts } from "./qemu.ts";
import { secretAttempts } from "./secrets.ts";
import { openServed, serverAttempts } from "./server.ts";
import { tokenAttempts } from "./tokens.ts";
import { volumeAttempts } from "./volumes.ts";
import { workspaceAttempts } from "./workspaces.ts";
import type { Client, Outcome, Outside, Served, World } from "./world.ts";

/** Every attempt, by where it is made from, inside out. */
export const attempts: readonly Attempt[] = [
  ...userAttempts,
  ...fileAttempts,
  ...volumeAttempts,
  ...workspaceAttempts,
  ...rootAttempts,
  ...tokenAttempts,
  ...networkAttempts,
  ...ceilingAttempts,
  ...agentAttempts,
  ...costAttempts,
  ...qemuAttempts,
  ...hostAttempts,
  ...memoryAttempts,
  ...neighbourAttempts,
  ...serverAttempts,
  ...buildAttempts,
  ...secretAttempts,
  ...imageAttempts,
];

export const canBeMade = ({ needsRoot }: Attempt): boolean =>
  !needsRoot || process.getuid?.() === 0;

export interface Verdict extends Required<Outcome> {
  /** It arrived, and was refused. */
  readonly isRefused: boolean;
}

export async function make(attempt: Attempt, world: World): Promise<Verdict> {
  const outcome: Outcome = await attempt
    .run(world)
    .catch((error: unknown) => ({ delivered: "", seen: `it could not be tried: ${error}` }));
  const { refusedBy } = attempt;
  return {
    refusedBy,
    ...outcome,
    isRefused: outcome.delivered !== "" && attempt.refused.test(outcome.seen),
  };
}

/** A world with two sandboxes, and as many more as attempts ask for. */
export async function openWorld(): Promise<World & AsyncDisposable> {
  const provider = microvm();
  const create = (): Promise<Sandbox> => Sandbox.create({ provider, timeoutMs: 3_600_000 });
  let probes: Promise<readonly Probed[]> | undefined;
  let outside: Promise<Outside> | undefined;
  let client: Promise<Client> | undefined;
  let served: Promise<Served> | undefined;
  const bystander = await create();
  return {
    provider,
    create,
    sandbox: await create(),
    bystander,
    client: () => (client ??= openClient()),
    outside: () => (outside ??= openOutside(bystander)),
    probes: () =>
      (probes ??= probeAll(Object.fromEntries(pieces.map((piece) => [piece.id, piece.perl])))),
    served: () => (served ??= openServed(provider)),
    async [Symbol.asyncDispose]() {
      await (await client)?.[Symbol.asyncDispose]();
      await (await outside)?.[Symbol.asyncDispose]();
      await (await served)?.[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}
