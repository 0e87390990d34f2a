import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { EmberboxServer } from "@emberbox/server";
import { Sandbox as CodeSandbox } from "@e2b/code-interpreter";
import { Sandbox } from "e2b";
import { afterAll, beforeAll, expect, test } from "vitest";
import { machinesOf } from "../support/processes.ts";
import { provider } from "../support/sandboxes.ts";
import { type SdkOptions, sdkOptions, startServer } from "../support/server.ts";

/** However busy the machine is. */
const SOON = { timeout: 60_000 };
const SECRET = "for signatures";

let server: EmberboxServer;
let options: SdkOptions;
const delivered: { type: string; sandbox_id: string }[] = [];
const badlySigned: string[] = [];

const receiver = createServer((request, response) => {
  text(request).then(
    (body) => {
      const digest = createHash("sha256").update(`${SECRET}${body}`).digest("base64");
      if (request.headers["e2b-signature"] !== digest.replaceAll("=", "")) badlySigned.push(body);
      delivered.push(JSON.parse(body));
      response.writeHead(204).end();
    },
    () => response.destroy(),
  );
});

beforeAll(async () => {
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  server = await startServer({ webhooks: { allowOut: ["127.0.0.1"] } });
  options = sdkOptions(server);
  const { port } = receiver.address() as AddressInfo;
  const made = await ask("POST /events/webhooks", {
    ...{ name: "all", url: `http://127.0.0.1:${port}/`, signatureSecret: SECRET },
    events: ["created", "paused", "resumed", "killed"].map((type) => `sandbox.lifecycle.${type}`),
  });
  expect(made.status).toBe(201);
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});

async function ask(line: string, body?: unknown) {
  const [method, path] = line.split(" ");
  const answer = await fetch(`${server.url}${path}`, {
    method: method!,
    headers: { "x-api-key": server.apiKey },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as never };
}

const eventsOf = async (id: string): Promise<string[]> => {
  const { json } = await ask(`GET /events/sandboxes/${id}?orderAsc=true`);
  return (json as { type: string }[]).map(({ type }) => type.slice(18));
};
const deliveredOf = (id: string): string[] =>
  delivered.filter((each) => each.sandbox_id === id).map(({ type }) => type.slice(18));

interface Entry {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, string>;
}
const logsOf = async (id: string, query = ""): Promise<Entry[]> =>
  ((await ask(`GET /v2/sandboxes/${id}/logs${query}`)).json as { logs: Entry[] }).logs;

test("what programs print is logged, also when the sandbox has ended; its code, input and variables are not", async () => {
  const sandbox = await CodeSandbox.create({ ...options, envs: { HIDDEN: "in-a-variable" } });
  const id = sandbox.sandboxId;
  await sandbox.commands.run("echo out; echo wrong >&2; printf unfinished # in-the-command");
  await sandbox.runCode("'in-the-code'; print('from a cell'); 'in-the-result'");
  await sandbox.runCode("console.log('from JavaScript')", { language: "javascript" });
  const cat = await sandbox.commands.run("cat > /dev/null", { background: true, stdin: true });
  await sandbox.commands.sendStdin(cat.pid, "in-the-input\n");
  await sandbox.commands.closeStdin(cat.pid);
  await cat.wait();
  const before = Date.now();
  await sandbox.commands.run("seq 3000");
  const running = await logsOf(id);
  expect(running.slice(0, 6).map(({ level, message }) => `${level} ${message}`)).toEqual(
    expect.arrayContaining([
      ...["info created", "info out", "warn wrong", "info unfinished"],
      ...["info from a cell", "info from JavaScript"],
    ]),
  );
  expect(running.find(({ message }) => message === "out")!.fields).toEqual({
    ...{ logger: "process", stream: "stdout", pid: expect.stringMatching(/^\d+$/) },
  });
  expect(running).toHaveLength(1000);
  expect(await logsOf(id, `?search=299&limit=2&cursor=${before}`)).toMatchObject([
    ...[{ message: "299" }, { message: "1299" }],
  ]);
  expect((await logsOf(id, "?level=warn")).map(({ message }) => message)).toEqual(["wrong"]);
  await sandbox.kill();
  const last = await logsOf(id, "?direction=backward&limit=2");
  expect(last.map(({ message }) => message)).toEqual(["ended: it was killed", "3000"]);
  const { json } = await ask(`GET /sandboxes/${id}/logs`);
  expect(JSON.stringify(json)).toContain("from a cell");
  expect(JSON.stringify(json)).not.toMatch(/in-the|in-a-variable/);
  await expect.poll(() => [...new Set(deliveredOf(id))], SOON).toEqual(["created", "killed"]);
  expect(badlySigned).toEqual([]);
});

test.skipIf(!provider.capabilities.pause)(
  "metrics have a history, and asking a paused sandbox for it does not wake it",
  async () => {
    const sandbox = await Sandbox.create({
      ...options,
      lifecycle: { onTimeout: "pause", autoResume: true },
    });
    const id = sandbox.sandboxId;
    const [first] = await sandbox.getMetrics();
    await expect.poll(async () => (await sandbox.getMetrics()).length, SOON).toBeGreaterThan(1);
    const all = await sandbox.getMetrics();
    const second = all.at(-1)!.timestamp;
    expect(second.getTime()).toBeGreaterThan(first!.timestamp.getTime());
    expect(await sandbox.getMetrics({ start: first!.timestamp, end: first!.timestamp })).toEqual([
      first,
    ]);
    expect(await sandbox.getMetrics({ start: new Date(second.getTime() + 3_600_000) })).toEqual([]);
    await sandbox.setTimeout(1000);
    await expect.poll(() => eventsOf(id), SOON).toContain("paused");
    expect((await Sandbox.getMetrics(id, options)).length).toBeGreaterThanOrEqual(all.length);
    expect((await logsOf(id)).at(-1)).toMatchObject({ message: "paused" });
    expect((await Sandbox.getInfo(id, options)).state).toBe("paused");
    await sandbox.kill();
    expect(await eventsOf(id)).toEqual(["created", "updated", "paused", "killed"]);
  },
);

test("a sandbox that ends in time, or whose machine dies, is told of", async () => {
  const dies = await Sandbox.create(options);
  const others = new Set(machinesOf(process.pid).map(({ pid }) => pid));
  const ends = await Sandbox.create({ ...options, timeoutMs: 1000 });
  await expect.poll(() => eventsOf(ends.sandboxId), SOON).toContain("killed");
  for (const { pid } of machinesOf(process.pid)) if (others.has(pid)) process.kill(pid, "SIGKILL");
  await expect.poll(() => eventsOf(dies.sandboxId), SOON).toContain("killed");
  expect((await logsOf(dies.sandboxId)).at(-1)!.message).toMatch(/^ended: /);
  for (const { sandboxId } of [dies, ends])
    await expect.poll(() => deliveredOf(sandboxId), SOON).toContain("killed");
});
