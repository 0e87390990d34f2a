import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { pretendedSandboxes } from "../testing/sandboxes.ts";
import { ask, create, startServer, temporaryDirectory } from "../testing/server.ts";

const SOON = { timeout: 20_000 };
const all = ["created", "updated", "paused", "resumed", "checkpointed", "killed"].map(
  (type) => `sandbox.lifecycle.${type}`,
);

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Listens on loopback, and answers as it is told; without that, never. */
async function startReceiver(answer?: (response: ServerResponse, count: number) => void) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    response.on("error", () => {});
    text(request).then(
      (body) => {
        received.push({ headers: request.headers, body });
        answer?.(response, received.length);
      },
      () => {},
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const types = () =>
    received.map(({ body }) => (JSON.parse(body) as { type: string }).type.slice(18));
  return { url: `http://127.0.0.1:${port}/hook`, received, types };
}

const ok = (response: ServerResponse): void => void response.writeHead(204).end();
const secret = "a secret of ours";
const hook = (url: string, more: object = {}) => ({
  ...{ name: "mine", url, enabled: true, events: all, signatureSecret: secret },
  ...more,
});

test("a webhook is told of events, signed, and of those it asked for", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const [everything, kills] = [await startReceiver(ok), await startReceiver(ok)];
  const made = await ask(server, "POST /events/webhooks", hook(everything.url));
  expect(made.status).toBe(201);
  const only = { events: ["sandbox.lifecycle.killed"] };
  await ask(server, "POST /events/webhooks", hook(kills.url, only));
  const id = await create(server, { metadata: { a: "b" } });
  await ask(server, `DELETE /sandboxes/${id}`);
  await expect.poll(everything.types, SOON).toEqual(["created", "killed"]);
  await expect.poll(kills.types, SOON).toEqual(["killed"]);
  const [first, second] = everything.received;
  const { headers, body } = first!;
  expect(JSON.parse(body)).toMatchObject({
    ...{ version: "v2", type: "sandbox.lifecycle.created", sandbox_id: id },
    ...{ event_category: "lifecycle", event_label: "create", sandbox_template_id: "base" },
    event_data: { sandbox_metadata: { a: "b" } },
  });
  const digest = createHash("sha256").update(`${secret}${body}`).digest();
  expect(headers).toMatchObject({
    "e2b-signature": digest.toString("base64").replaceAll("=", ""),
    "e2b-signature-version": "v1",
    "e2b-webhook-id": made.json.id,
    "content-type": "application/json",
  });
  expect(headers["e2b-delivery-id"]).not.toBe(second!.headers["e2b-delivery-id"]);
});

test("what fails is tried again, and one that never answers delays nobody", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const never = await startReceiver();
  const failing = await startReceiver((response, count) => {
    if (count === 1) response.writeHead(500).end();
    // A redirect is not followed.
    else if (count === 2) response.writeHead(302, { location: never.url }).end();
    else ok(response);
  });
  for (const { url } of [never, failing]) await ask(server, "POST /events/webhooks", hook(url));
  await create(server);
  await expect.poll(failing.types, SOON).toEqual(["created", "created", "created"]);
  const ids = failing.received.map(({ headers }) => headers["e2b-delivery-id"]);
  expect(new Set(ids).size).toBe(3);
  // It was asked, and has not answered.
  expect(new Set(never.types())).toEqual(new Set(["created"]));
});

test("an answer without an end counts, and is not waited for", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const closed: number[] = [];
  const endless = await startReceiver((response, count) => {
    response.writeHead(200);
    const more = () => void (response.write("x".repeat(65_536)) && setImmediate(more));
    response.on("drain", more).on("close", () => closed.push(count));
    more();
  });
  await ask(server, "POST /events/webhooks", hook(endless.url));
  const id = await create(server);
  await ask(server, `DELETE /sandboxes/${id}`);
  await expect.poll(endless.types, SOON).toEqual(["created", "killed"]);
  await expect.poll(() => closed, SOON).toEqual([1, 2]);
});

test("what could not be told waits for the next server", async () => {
  const [stateDirectory, provider] = [temporaryDirectory(), pretendedSandboxes()];
  let isUp = false;
  const receiver = await startReceiver((response) =>
    isUp ? ok(response) : response.socket?.destroy(),
  );
  const first = await startServer({ provider, stateDirectory });
  await ask(first, "POST /events/webhooks", hook(receiver.url));
  const id = await create(first);
  await expect.poll(() => receiver.received.length, SOON).toBeGreaterThan(0);
  await first.close();
  const before = receiver.received.length;
  isUp = true;
  await startServer({ provider, stateDirectory });
  await expect
    .poll(() => receiver.types().slice(before).toSorted(), SOON)
    .toEqual(["created", "killed"]);
  expect(receiver.received.at(-1)!.body).toContain(id);
});

test("it can be changed, switched off and deleted, and its secret is never told", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const [one, other] = [await startReceiver(ok), await startReceiver(ok)];
  const { json: made } = await ask(server, "POST /events/webhooks", hook(one.url));
  expect(made).toEqual({
    ...{ id: made.id, teamId: made.teamId, name: "mine", url: one.url, enabled: true, events: all },
    createdAt: expect.any(String),
  });
  expect((await ask(server, `GET /events/webhooks/${made.id}`)).json).toEqual(made);
  const changes = { url: other.url, enabled: false, signatureSecret: "another secret" };
  const changed = await ask(server, `PATCH /events/webhooks/${made.id}`, changes);
  expect(changed.json).toEqual({ ...made, url: other.url, enabled: false });
  expect((await ask(server, "GET /events/webhooks")).json).toEqual([changed.json]);
  await create(server);
  await ask(server, `PATCH /events/webhooks/${made.id}`, { enabled: true });
  const id = await create(server);
  await expect.poll(other.types, SOON).toEqual(["created"]);
  const { headers, body } = other.received[0]!;
  expect(body).toContain(id);
  const digest = createHash("sha256").update(`another secret${body}`).digest("base64");
  expect(headers["e2b-signature"]).toBe(digest.replaceAll("=", ""));
  expect((await ask(server, `DELETE /events/webhooks/${made.id}`)).status).toBe(200);
  expect((await ask(server, `GET /events/webhooks/${made.id}`)).status).toBe(404);
  expect((await ask(server, "GET /events/webhooks")).json).toEqual([]);
  expect(one.received).toEqual([]);
});

test("tenants have their own, which others neither see nor are told of", async () => {
  const keys = { red: "red-red-red", blue: "blue-blue-blue" };
  const server = await startServer({ provider: pretendedSandboxes(), apiKeys: keys });
  const [reds, blues] = [await startReceiver(ok), await startReceiver(ok)];
  const { json: red } = await ask(server, "POST /events/webhooks", hook(reds.url), keys.red);
  await ask(server, "POST /events/webhooks", hook(blues.url), keys.blue);
  expect((await ask(server, "GET /events/webhooks", undefined, keys.blue)).json).toHaveLength(1);
  for (const line of ["GET", "PATCH", "DELETE"]) {
    const refused = await ask(
      server,
      `${line} /events/webhooks/${red.id}`,
      line === "PATCH" ? {} : undefined,
      keys.blue,
    );
    expect([line, refused.status]).toEqual([line, 404]);
  }
  await create(server, {}, keys.red);
  await create(server, {}, keys.blue);
  await expect.poll(() => [reds.types(), blues.types()], SOON).toEqual([["created"], ["created"]]);
  expect(reds.received[0]!.body).not.toBe(blues.received[0]!.body);
});

test("what may not be reached is refused, and so is too much", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  for (const url of [
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "javascript:1",
    "127.0.0.1",
    "http://user:password@127.0.0.1/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "http://169.254.169.254/latest",
  ]) {
    const refused = await ask(server, "POST /events/webhooks", hook(url));
    expect([url, refused.status]).toEqual([url, 400]);
  }
  for (const bad of [{ events: [] }, { events: ["x"] }, { name: "" }, { signatureSecret: "" }])
    expect(
      (await ask(server, "POST /events/webhooks", hook("http://127.0.0.1/", bad))).status,
    ).toBe(400);
  const { json } = await ask(server, "POST /events/webhooks", hook("http://127.0.0.1/"));
  const moved = await ask(server, `PATCH /events/webhooks/${json.id}`, { url: "http://10.0.0.1/" });
  expect(moved.status).toBe(400);
  for (let count = 1; count < 20; count++)
    await ask(server, "POST /events/webhooks", hook("http://127.0.0.1/"));
  expect((await ask(server, "POST /events/webhooks", hook("http://127.0.0.1/"))).status).toBe(429);
});

test("a server without webhooks says so", async () => {
  const server = await startServer({ provider: pretendedSandboxes(), webhooks: false });
  const refused = await ask(server, "POST /events/webhooks", hook("http://127.0.0.1/"));
  expect([refused.status, refused.json.message]).toEqual([501, expect.stringMatching(/^unimpl/)]);
  expect((await ask(server, "GET /events/webhooks")).json).toEqual([]);
});

test("one that is not told anything for a day is given up, with a line in the log", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => void lines.push(line) });
  const [stateDirectory, provider] = [temporaryDirectory(), pretendedSandboxes()];
  const receiver = await startReceiver((response) => void response.writeHead(500).end());
  const first = await startServer({ provider, stateDirectory });
  await ask(first, "POST /events/webhooks", hook(receiver.url));
  await create(first);
  await expect.poll(() => receiver.received.length, SOON).toBeGreaterThan(0);
  await first.close();
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(`${stateDirectory}/state.db`);
  const day = 24 * 60 * 60 * 1000;
  database.exec(`UPDATE deliveries SET createdAt = createdAt - ${day}, nextAt = 0`);
  database.close();
  await startServer({ provider, stateDirectory, logger });
  await expect.poll(() => lines.join(""), SOON).toContain("could not be told of an event");
  expect(lines.join("")).not.toContain(secret);
});
