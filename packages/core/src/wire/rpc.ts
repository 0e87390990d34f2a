import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { request } from "undici/index.js";
import { ENVD_PORT } from "../envd.ts";
import type { Endpoint, SandboxConnection } from "../provider.ts";
import { Budget } from "./budget.ts";
import { toWebStream, wholeEnvelopes } from "./body.ts";
import { Filesystem } from "./generated/filesystem_pb.ts";
import { Process } from "./generated/process_pb.ts";
import { preliminaryLimit } from "./preliminary.ts";
import { withoutSmallPieces } from "./small-pieces.ts";
import { unaryTransport, type Answer } from "./unary.ts";

/** Clients of envd's Connect RPC services. */
export interface Rpc {
  readonly process: Client<typeof Process>;
  readonly filesystem: Client<typeof Filesystem>;
}

export function createRpc(connection: SandboxConnection): Rpc {
  const post = async (url: string, init: RequestInit): Promise<Answer> => {
    await connection.ready?.();
    return send(connection.endpoint(ENVD_PORT), new URL(url).pathname, init);
  };
  const transport: Transport = {
    ...createConnectTransport({
      baseUrl: BASE_URL,
      useBinaryFormat: false,
      // Used for streams only.
      fetch: async (input, init) => {
        const { status, headers, body } = await post(String(input), init ?? {});
        return new Response(toWebStream(wholeEnvelopes(body)), { status, headers });
      },
    }),
    unary: unaryTransport(BASE_URL, post, Budget.of(connection)),
  };
  return {
    process: createClient(Process, transport),
    filesystem: createClient(Filesystem, transport),
  };
}

/** Asks for keep-alive messages, every so many seconds, on streams that may be silent for long. */
export const KEEPALIVE_HEADERS: Readonly<Record<string, string>> = {
  "Keepalive-Ping-Interval": "50",
};

/** Names the user to act as in the sandbox. */
export function userHeaders(user: string | undefined): Record<string, string> {
  if (user === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${user}:`).toString("base64")}` };
}

const BASE_URL = "http://sandbox";

async function send(endpoint: Endpoint, path: string, init: RequestInit): Promise<Answer> {
  const response = await request(endpoint.origin + path, {
    dispatcher: withoutSmallPieces(endpoint.dispatcher),
    method: "POST",
    headers: { ...endpoint.headers, ...Object.fromEntries(new Headers(init.headers)) },
    body: init.body as string | Uint8Array,
    signal: init.signal ?? null,
    headersTimeout: 0,
    bodyTimeout: 0,
    onInfo: preliminaryLimit(),
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  return { status: response.statusCode, headers, body: response.body };
}
