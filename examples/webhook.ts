import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Sandbox } from "@e2b/code-interpreter";
import { microvm } from "@emberbox/microvm";
import { serve } from "@emberbox/server";

const signatureSecret = "known to the server and to the receiver";

function isGenuine(body: string, signature: string): boolean {
  const digest = createHash("sha256").update(signatureSecret + body);
  const expected = Buffer.from(digest.digest("base64").replace(/=+$/, ""));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const told = Promise.withResolvers<void>();
async function receive(request: IncomingMessage): Promise<number> {
  const body = await text(request);
  if (!isGenuine(body, String(request.headers["e2b-signature"]))) return 401;
  const { type } = JSON.parse(body) as { type: string };
  console.log(type);
  if (type === "sandbox.lifecycle.killed") told.resolve();
  return 204;
}
const receiver = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    () => response.destroy(),
  );
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");
const { port } = receiver.address() as AddressInfo;

const provider = microvm();
// Without this, webhooks reach public addresses only.
const webhooks = { allowOut: ["127.0.0.1"] };
const server = await serve({ provider, port: 0, webhooks });
await fetch(`${server.url}/events/webhooks`, {
  method: "POST",
  headers: { "X-API-Key": server.apiKey },
  body: JSON.stringify({
    name: "ends",
    url: `http://127.0.0.1:${port}/`,
    events: ["sandbox.lifecycle.created", "sandbox.lifecycle.killed"],
    signatureSecret,
  }),
});

const { url, apiKey } = server;
const sandbox = await Sandbox.create({ apiUrl: url, sandboxUrl: url, apiKey });
await sandbox.kill();
await told.promise;

await server.close();
await provider[Symbol.asyncDispose]();
receiver.close();
