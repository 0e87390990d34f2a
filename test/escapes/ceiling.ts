// A client of a server asks for more of the network than whoever runs the server allows.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { serve } from "@emberbox/server";
import { startServer } from "../../packages/microvm/src/network/testing/servers.ts";
import type { Attempt } from "./attempt.ts";
import type { Client, World } from "./world.ts";

/** Where services of the host listen that nobody else is to reach. */
const HOST = "127.0.0.1";

export async function openClient(): Promise<Client> {
  const stateDirectory = mkdtempSync(join(tmpdir(), "emberbox-ceiling-"));
  const own = await startServer((_request, response) => void response.end("GOT"), undefined, HOST);
  const provider = microvm();
  const server = await serve({ provider, port: 0, stateDirectory });
  const headers = { "X-API-Key": server.apiKey, "Content-Type": "application/json" };
  const ask: Client["ask"] = async (method, path, body) => {
    const more = body && { body: JSON.stringify(body) };
    const answer = await fetch(server.url + path, { method, headers, ...more });
    const [first = {}] = [JSON.parse((await answer.text()) || "{}")].flat();
    const { message, sandboxID, snapshotID, sandbox } = first;
    const id = sandboxID ?? snapshotID ?? sandbox?.sandboxID;
    return { said: `${answer.status} ${message ?? ""}`.trim(), id };
  };
  const { id } = await ask("POST", "/v2/sandboxes", { templateID: "base", timeout: 3600 });
  return {
    id,
    ask,
    async reach(which) {
      const sandbox = await Sandbox.connect(which, { provider });
      const script = `nft flush set inet emberbox refused
python3 -c 'import urllib.request as r; print(r.urlopen("http://${HOST}:${own.port}/", timeout=60).read())' 2>&1 | tail -n 1`;
      return (await sandbox.commands.run(script, { user: "root" })).stdout.trim();
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      for (const each of [provider, own]) await each[Symbol.asyncDispose]();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}

const REFUSED = "400 `[^`]+` in `network.allowOut` is beyond the network's ceiling[^;]*";
const UNREACHED = "[^;]*Connection refused[^;]*";

const asking = (
  id: string,
  tries: string,
  work: (client: Client) => Promise<readonly string[]>,
  refused: string,
): Attempt => ({
  id: `server.ceiling-${id}`,
  tries,
  refusedBy: "the server's ceiling, held by the engine",
  async run({ client }: World) {
    const seen = await work(await client());
    return { delivered: `${seen.length} answers to a client with a key`, seen: seen.join("; ") };
  },
  refused: new RegExp(`^(?!.*GOT)${refused}$`),
});

const allowing = (entry: string): object => ({ allowOut: [entry], denyOut: ["0.0.0.0/0"] });
const created = (entry: string): object => ({ templateID: "base", network: allowing(entry) });
const networkOf = (id: string): string => `/sandboxes/${id}/network`;

/** In whatever notation, to the host itself, its neighbours and its cloud. */
const ENTRIES = [
  ...[HOST, "127.0.0.0/8", "::ffff:127.0.0.1", "::1", "64:ff9b::7f00:1", "2002:7f00:1::"],
  ...["10.0.0.0/8", "fd00::/8", "169.254.169.254", "168.63.129.16", "100.100.100.200"],
];

/** The same as a URL may have them. */
const WEBHOOK_HOSTS = [
  ...[
    HOST,
    "127.1",
    "0x7f000001",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
  ],
  ...["0.0.0.0", "10.0.0.1", "[fd00::1]", "169.254.169.254", "168.63.129.16", "100.100.100.200"],
];

export const ceilingAttempts: readonly Attempt[] = [
  asking(
    "create",
    "have a sandbox that may reach the host, its network or its metadata",
    ({ ask }) =>
      Promise.all(
        ENTRIES.map(async (entry) => (await ask("POST", "/sandboxes", created(entry))).said),
      ),
    `(${REFUSED}(; |$)){${ENTRIES.length}}`,
  ),
  asking(
    "update",
    "have a sandbox's network changed to that",
    async ({ ask, reach, id }) => {
      const { said } = await ask("PUT", networkOf(id), allowing(HOST));
      const all = await ask("PUT", networkOf(id), { allowOut: ["0.0.0.0/0", "::/0"] });
      return [said, all.said, await reach(id)];
    },
    `${REFUSED}; 204; ${UNREACHED}`,
  ),
  asking(
    "copy",
    "reach more from what is made of a sandbox: a fork, a snapshot's copy, itself resumed",
    async ({ ask, reach, id }) => {
      const fork = await ask("POST", `/sandboxes/${id}/fork`, { count: 1 });
      const forked = await ask("PUT", networkOf(fork.id), allowing(HOST));
      const snapshot = await ask("POST", `/sandboxes/${fork.id}/snapshots`, {});
      const body = { ...created(HOST), templateID: snapshot.id };
      const copied = await ask("POST", "/v2/sandboxes", body);
      await ask("POST", `/sandboxes/${fork.id}/pause`, {});
      const resumed = await ask("POST", `/v2/sandboxes/${fork.id}/connect`, {});
      const later = await ask("PUT", networkOf(fork.id), allowing(HOST));
      const reached = await reach(fork.id);
      await ask("DELETE", `/sandboxes/${fork.id}`);
      await ask("DELETE", `/templates/${encodeURIComponent(snapshot.id)}`);
      return [forked.said, copied.said, resumed.said, later.said, reached];
    },
    `${REFUSED}; ${REFUSED}; 201; ${REFUSED}; ${UNREACHED}`,
  ),
  asking(
    "webhook",
    "have a webhook reach the host, its network or its metadata",
    async ({ ask }) => {
      const asked = WEBHOOK_HOSTS.map((host) =>
        ask("POST", "/events/webhooks", {
          ...{ name: "inside", url: `http://${host}/`, signatureSecret: "secret" },
          events: ["sandbox.lifecycle.created"],
        }),
      );
      return (await Promise.all(asked)).map(({ said }) => said);
    },
    `(400 [^;]*It may not be reached[^;]*(; |$)){${WEBHOOK_HOSTS.length}}`,
  ),
];
