// What network attempts are made in: servers that must not be reached, a name server that lies, sandboxes with policies.
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Sandbox } from "@emberbox/core";
import type { NetworkEvent, NetworkOptions } from "@emberbox/core/network";
import { microvm } from "@emberbox/microvm";
import {
  type NameServer,
  startNameServer,
} from "../../../packages/microvm/src/network/testing/name-server.ts";
import {
  createTestAuthority,
  startServer,
  type TestServer,
} from "../../../packages/microvm/src/network/testing/servers.ts";
import { ranToItsEnd } from "../attempt.ts";
import { replaceAgent, takeOver } from "../takeover.ts";
import { echo, packedSocket, SECRET } from "./echoes.ts";
import type { Outside, Raw } from "../world.ts";

/** Of the host, and of nobody else's concern: everything there answers `GOT`. */
const HOST = "127.0.0.1";
/** Stands in for the internet: policies name it. */
const PUBLIC = "127.0.0.9";

const zone = {
  "loopback.test": [[HOST]],
  "private.test": [["10.0.0.7"]],
  "unspecified.test": [["0.0.0.0"]],
  "chain.test": [["cname:a.chain.test", "cname:b.chain.test", HOST]],
  "six.test": [["::1", "fd00::7", "fe80::7"]],
  "mapped.test": [[`::ffff:${HOST}`]],
  "nat64.test": [["64:ff9b::7f00:1"]],
  "6to4.test": [["2002:7f00:1::"]],
  "rebind.test": [["8.8.8.8"], [HOST]],
  "metadata.test": [["169.254.169.254"]],
  localhost: [[HOST]],
  "api.test": [[PUBLIC]],
  "cdn.test": [[PUBLIC]],
};

/** No program could ask the gateway for these, but an agent that was taken over can. */
const RAW_HOSTS: readonly string[] = [
  ...[HOST, "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0.0.0.0", "10.0.0.1"],
  ...[
    "::1",
    "[::1]",
    "::",
    `::ffff:${HOST}`,
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ],
  ...["fe80::1%lo", "fd00::1", "224.0.0.1", "100.64.0.1", "169.254.169.254", "192.0.2.1"],
  "2606:4700:4700::1111",
  ...["localhost", "api.test\0.public", "api.test\r\nx", "a b"],
];
/** A header's value that a rule adds outside. */
export const RULE = "rule-that-stays-outside";
const LOOKUPS = 3000;
const CONNECTIONS = 700;

const only = (...allowOut: string[]): NetworkOptions => ({ allowOut, denyOut: ["0.0.0.0/0"] });

/** Refused before the gateway could hear of it. */
const NO_WAY = "the machine, from which no way leads there";

export async function openOutside(bystander: Sandbox): Promise<Outside> {
  const names: NameServer = await startNameServer(zone);
  const authority = await createTestAuthority();
  const certificate = await authority.certify("api.test", "cdn.test");
  const sent: string[] = [];
  const listener: RequestListener = (request, response) => {
    const { method, url, headers } = request;
    const rule = headers["x-rule"] === undefined ? "" : ` ${headers["x-rule"]}`;
    sent.push(`${method} ${url} ${headers.host} ${headers["x-key"]}${rule}`);
    if (echo(request, response)) return;
    if (url?.startsWith("/to?")) response.writeHead(302, { location: url.slice(4) });
    response.end(`GOT key ${headers["x-key"]}`);
  };
  const servers: TestServer[] = await Promise.all([
    startServer((_request, response) => void response.end("GOT the host's own"), undefined, HOST),
    startServer(listener, certificate, PUBLIC),
    startServer(listener, undefined, PUBLIC),
  ]);
  const [own, tls, web] = servers as [TestServer, TestServer, TestServer];
  tls.server.on("upgrade", (request, socket: Socket) => {
    sent.push(`UPGRADE ${request.url} ${request.headers.host} ${request.headers["x-key"]}`);
    packedSocket(request, socket);
  });
  const provider = microvm({ network: { dnsServers: [names.address], ca: [authority.ca] } });
  const envs = { OWN: String(own.port), TLS: String(tls.port), WEB: String(web.port) };
  const events: NetworkEvent[] = [];
  const create = (network: true | NetworkOptions, secrets = {}): Promise<Sandbox> =>
    Sandbox.create({
      provider,
      network,
      secrets,
      envs,
      timeoutMs: 3_600_000,
      onNetwork: (event) => events.push(event),
    });
  const open = await create(true);
  const rules = { "cdn.test": [{ transform: { headers: { "X-Rule": RULE } } }] };
  const listed = await create(
    { ...only("api.test", "cdn.test", PUBLIC), rules },
    { KEY: { value: SECRET, hosts: ["api.test"] } },
  );
  for (const each of [open, listed])
    await each.commands.run("nft flush set inet emberbox refused", { user: "root" });

  const decisions = ({ sandboxId }: Sandbox, from: number): string[] =>
    events
      .slice(from)
      .filter((event) => event.sandboxId === sandboxId)
      .map(({ decision, host, reason }) => `[${decision} ${host}: ${reason ?? "dialled"}]`);

  const askRaw = async (): Promise<Raw> => {
    await using hostile = await create(only("*", PUBLIC));
    const hosts = RAW_HOSTS.map((host) => `${JSON.stringify(host)}.encode()`).join(", ");
    const first = `
def ask(n, port, host): send(frame(1, n, struct.pack(">H", port) + host))
for n, host in enumerate([${hosts}]): ask(2 * n + 2, ${own.port}, host)
time.sleep(2)
for n in range(${LOOKUPS}): ask(1000 + 2 * n, 0, b"n%d.tunnel.test" % n)
time.sleep(2)
for n in range(${CONNECTIONS}):
    ask(20000 + 2 * n, ${tls.port}, b"api.test")
    data(20000 + 2 * n, b"\\x16\\x03\\x01")`;
    const [from, asked] = [events.length, names.asked.length];
    await replaceAgent(hostile, takeOver(first, "pass"));
    const isCut = (): boolean => decisions(hostile, from).some((each) => each.includes("at once"));
    const held = (): Promise<number> =>
      new Promise((resolve) => tls.server.getConnections((_error, n) => resolve(n)));
    // It sends as fast as the machine is.
    for (let waited = 0; waited < 120 && !(isCut() && (await held()) > 0); waited++)
      await sleep(500);
    await sleep(2000);
    return {
      decisions: decisions(hostile, from),
      asked: names.asked.length - asked,
      held: await held(),
      bystander: (await bystander.commands.run("echo unharmed")).stdout.trim(),
    };
  };
  let raw: Promise<Raw> | undefined;
  return {
    open,
    listed,
    asked: names.asked,
    sent,
    async run(sandbox, script) {
      const from = events.length;
      const options = { user: "root", timeoutMs: 60_000 } as const;
      const { stdout, stderr, exitCode } = await sandbox.commands.run(script, options);
      const decided = decisions(sandbox, from);
      const seen = [stdout.trim(), stderr.trim(), ...decided].join(" ").trim();
      const ran = ranToItsEnd(exitCode, seen);
      const delivered = ran && `${ran}, ${decided.length} decisions of the gateway`;
      return { delivered, seen, ...(decided.length === 0 && { refusedBy: NO_WAY }) };
    },
    raw: () => (raw ??= askRaw()),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      for (const each of [names, ...servers]) await each[Symbol.asyncDispose]();
    },
  };
}
