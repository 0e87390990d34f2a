import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { request } from "undici";
import { ENVD_PORT, type Endpoint, type SandboxConnection } from "../provider.ts";
import { limited, limitedEnvelopes, toWebStream } from "./body.ts";
import { Filesystem } from "./generated/filesystem_pb.ts";
import { Process } from "./generated/process_pb.ts";

/** Clients of the services that envd offers as Connect RPC. */
export interface Rpc {
  readonly process: Client<typeof Process>;
  readonly filesystem: Client<typeof Filesystem>;
}

export function createRpc(connection: SandboxConnection): Rpc {
  const transport = createConnectTransport({
    baseUrl: "http://sandbox",
    useBinaryFormat: false,
    fetch: async (input, init) => {
      await connection.ready?.();
      return fetchThrough(connection.endpoint(ENVD_PORT), String(input), init);
    },
  });
  return {
    process: createClient(Process, transport),
    filesystem: createClient(Filesystem, transport),
  };
}

/** Asks for signs of life, in seconds, on streams that may be silent for long. */
export const KEEPALIVE_HEADERS: Readonly<Record<string, string>> = {
  "Keepalive-Ping-Interval": "50",
};

/** Names the user in the sandbox that a call acts as. */
export function userHeaders(user: string | undefined): Record<string, string> {
  if (user === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${user}:`).toString("base64")}` };
}

/** As much of `fetch` as the transport needs, over the endpoint's dispatcher, with every buffer bounded. */
async function fetchThrough(
  endpoint: Endpoint,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const { status, headers, body } = await send(endpoint, new URL(url).pathname, init);
  const stream = headers.get("content-type")?.startsWith("application/connect") === true;
  const chunks = stream ? limitedEnvelopes(body) : limited(body);
  return new Response(toWebStream(chunks), { status, headers });
}

async function send(
  endpoint: Endpoint,
  path: string,
  init: RequestInit,
): Promise<{ status: number; headers: Headers; body: AsyncIterable<Buffer> }> {
  const response = await request(endpoint.origin + path, {
    dispatcher: endpoint.dispatcher,
    method: "POST",
    headers: { ...endpoint.headers, ...Object.fromEntries(new Headers(init.headers)) },
    body: init.body as string | Uint8Array,
    signal: init.signal ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  return { status: response.statusCode, headers, body: response.body };
}
