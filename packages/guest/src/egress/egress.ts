import { background, warning } from "@emberbox/core/background";
import { type ChannelStream, egressAnswers, type GuestNetwork } from "@emberbox/wire";
import type { AgentContext } from "../context.ts";
import { capture, refuseAtOnce } from "./capture.ts";
import { NameTable } from "./names.ts";
import { serveNames } from "./resolver.ts";
import { trust, trustEnvs } from "./trust.ts";

export interface EgressOptions {
  readonly context: AgentContext;
  readonly open: (port: number, host: string) => ChannelStream;
}

/** Takes what the sandbox's programs send to the outside, and asks the host to carry it. */
export function startEgress({ context, open }: EgressOptions): void {
  const names = new NameTable();
  const { log } = context;
  const ownName = (): string => context.envs["E2B_SANDBOX_ID"] ?? "";
  serveNames({ names, log, ask: (name) => ask(open, name) }, ownName);
  capture({ names, log, open });
}

/**
 * Applies what the host says about the network. A failure denies programs more and allows nothing: the host decides.
 */
export async function applyNetwork(network: GuestNetwork, context: AgentContext): Promise<void> {
  try {
    if (network.authority !== undefined) {
      trust(network.authority);
      context.envs = { ...trustEnvs, ...context.envs };
    }
  } catch (error) {
    // The disk is full, for example. Connections that need the authority fail.
    context.log(`the network's authority is not trusted: ${String(error)}`);
  }
  await refuseAtOnce(network).catch((error: unknown) =>
    context.log(`addresses are not refused at once: ${String(error)}`),
  );
}

/** Receives a change of the network from the host. Ending the stream is the answer. */
export function receiveNetwork(stream: ChannelStream, context: AgentContext): void {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.on("end", () => {
    const network = JSON.parse(Buffer.concat(parts).toString()) as GuestNetwork;
    background(
      applyNetwork(network, context).finally(() => void stream.end()),
      warning("Applying the network"),
    );
  });
}

function ask(open: EgressOptions["open"], name: string): Promise<number> {
  return new Promise((resolve) => {
    try {
      const stream = open(0, name);
      stream.once("data", (said: Buffer) => resolve(said[0]!));
      stream.once("close", () => resolve(egressAnswers.unreachable));
      stream.end();
    } catch {
      resolve(egressAnswers.unreachable);
    }
  });
}
