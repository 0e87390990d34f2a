import { isIP, type Socket } from "node:net";
import { EmberboxError } from "@emberbox/core";
import { within } from "@emberbox/core/concurrency";
import type { EgressProxy } from "@emberbox/core/network";
import { parseAddress } from "./addresses.ts";
import { dial, type Target } from "./dial.ts";
import { parseName } from "./hosts.ts";
import type { Policy } from "./policy.ts";
import { judgeHost } from "./reachable.ts";
import type { NameResolver } from "./resolve.ts";
import { connectBySocks, type SocksCredentials } from "./socks.ts";

/** A SOCKS5 proxy through which a sandbox's connections go out. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly credentials: SocksCredentials | undefined;
}

const HANDSHAKE_MS = 30_000;

/** @throws `invalid_argument` */
export function parseProxy({ address, username, password = "" }: EgressProxy): Proxy {
  const [, inBrackets, alone, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = inBrackets ?? parseName(alone ?? "") ?? alone ?? "";
  const port = Number(digits);
  const isHost = isIP(host) ? parseAddress(host) !== undefined : parseName(host) !== undefined;
  if (!isHost || port < 1 || port > 65_535)
    throw new EmberboxError(
      "invalid_argument",
      "Expected `network.egressProxy.address` to be a host and a port, such as `proxy.example.com:1080`",
    );
  return { host, port, credentials: username === undefined ? undefined : { username, password } };
}

/** Refuses what is known to be beyond a ceiling before its name is looked up. @throws `invalid_argument` */
export function refuseProxyBeyond({ host }: Proxy, ceiling: Policy | undefined): void {
  if (ceiling === undefined) return;
  const verdict = isIP(host) ? ceiling.decide(undefined, [host]) : undefined;
  const reason = isIP(host)
    ? verdict?.allowed === false && verdict.reason
    : ceiling.refusesName(host);
  if (!reason) return;
  throw new EmberboxError(
    "invalid_argument",
    `\`network.egressProxy\` is beyond the network's ceiling: ${reason}`,
  );
}

/**
 * Connects by way of a proxy to a target that the policy has allowed: by its name if the name was what was allowed, so
 * that the proxy looks it up, and else by its address. @throws Error
 */
export async function dialThrough(
  proxy: Proxy,
  { host, port, addresses }: Target,
  {
    byName,
    ceiling,
    names,
  }: {
    readonly byName: boolean;
    /** What the proxy itself has to be within. */
    readonly ceiling: Policy | undefined;
    readonly names: NameResolver;
  },
): Promise<Socket> {
  const socket = await dial({ ...proxy, addresses: await addressesOf(proxy, ceiling, names) });
  const target = { host: byName ? host : addresses[0]!, port };
  try {
    const connected = connectBySocks(socket, target, proxy.credentials);
    await within(HANDSHAKE_MS, connected, late, { ref: false });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function late(): never {
  throw new Error("the proxy did not answer");
}

async function addressesOf(
  { host }: Proxy,
  ceiling: Policy | undefined,
  names: NameResolver,
): Promise<readonly string[]> {
  const lookUp = async (name: string) => names.resolve(name);
  if (ceiling === undefined) return isIP(host) ? [host] : lookUp(host);
  const verdict = await judgeHost(host, ceiling, lookUp);
  if (!verdict.allowed) throw new Error(verdict.reason);
  return verdict.addresses;
}
