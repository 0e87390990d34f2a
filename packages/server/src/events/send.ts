import { createHash } from "node:crypto";
import { isIP, type LookupFunction } from "node:net";
import { Agent, request } from "undici/index.js";

const ANSWER_MS = 10_000;
const CONNECT_MS = 5_000;
const LONGEST_HEAD = 16 * 1024;

/** What a webhook is sent. */
export interface Message {
  readonly url: string;
  readonly webhookId: string;
  readonly secret: string;
  readonly body: string;
}

/** As E2B signs: a digest, and neither an HMAC nor with padding. */
function signatureOf(secret: string, body: string): string {
  return createHash("sha256")
    .update(secret + body)
    .digest("base64")
    .replace(/=+$/, "");
}

/** Sends it to one of the addresses, which were checked; the name is not looked up again, and no redirect followed. */
export async function send(
  { url, webhookId, secret, body }: Message,
  addresses: readonly string[],
  stopped: AbortSignal,
): Promise<number> {
  const agent = new Agent({
    pipelining: 0,
    maxHeaderSize: LONGEST_HEAD,
    connect: { lookup: pinned(addresses), timeout: CONNECT_MS },
  });
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "user-agent": "emberbox-webhooks",
        "e2b-webhook-id": webhookId,
        "e2b-delivery-id": crypto.randomUUID(),
        "e2b-signature-version": "v1",
        "e2b-signature": signatureOf(secret, body),
      },
      signal: AbortSignal.any([stopped, AbortSignal.timeout(ANSWER_MS)]),
    });
    // What else it says does not matter, and may have no end.
    answer.body.on("error", () => {}).destroy();
    return answer.statusCode;
  } finally {
    await agent.destroy();
  }
}

function pinned(addresses: readonly string[]): LookupFunction {
  return (_host, options, callback) => {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    if (options.all) callback(null, all);
    else callback(null, all[0]!.address, all[0]!.family);
  };
}
