import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerPlan } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { serveGateway } from "./http.ts";
import { Installer } from "./install.ts";
import { Upstream } from "./upstream.ts";

const directory = mkdtempSync(join(tmpdir(), "mcp-gateway-"));
afterAll(() => rmSync(directory, { recursive: true }));
const place = { home: directory, root: join(directory, "servers") };
const fixture = join(import.meta.dirname, "testing/fixture.ts");
const token = "sesame";

const plan = (name: string, called = name): ServerPlan => ({
  name,
  source: { kind: "command", command: process.execPath, cwd: undefined },
  args: [fixture, called],
  envs: { KEY: `of ${name}` },
});

/** A gateway to these servers, over HTTP. */
async function openGateway(plans: ServerPlan[], waitMs = 60_000) {
  const log = new PassThrough();
  let logged = "";
  log.on("data", (chunk) => (logged += String(chunk)));
  const closing = new AbortController();
  const installer = new Installer(place, { log, signal: closing.signal });
  const upstreams: Upstream[] = [];
  const gateway = new Gateway(upstreams, waitMs);
  const onChange = () => gateway.changed();
  const onMessage: Gateway["message"] = (name, message) => gateway.message(name, message);
  const pausesMs = [10, 10];
  for (const each of plans)
    upstreams.push(new Upstream(each, { place, installer, log, pausesMs, onChange, onMessage }));
  const served = await serveGateway({ gateway, token, port: 0, log });
  const url = `http://127.0.0.1:${served.port}/mcp`;
  return {
    url,
    log: () => logged,
    async connect(): Promise<Client> {
      const client = new Client({ name: "test", version: "1.0.0" });
      const headers = { authorization: `Bearer ${token}` };
      await client.connect(
        new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
      );
      return client;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await served[Symbol.asyncDispose]();
      await Promise.all(upstreams.map((each) => each[Symbol.asyncDispose]()));
    },
  };
}

const namesOf = async (client: Client): Promise<string[]> =>
  (await client.listTools()).tools.map(({ name }) => name);
const textOf = (result: object): string =>
  (result as { content: { text: string }[] }).content[0]!.text;

describe("two servers that work and one that does not", () => {
  let gateway: Awaited<ReturnType<typeof openGateway>>;
  let client: Client;
  beforeAll(async () => {
    gateway = await openGateway([plan("one"), plan("two"), plan("bad", "broken")]);
    client = await gateway.connect();
  });
  afterAll(async () => {
    await client.close();
    await gateway[Symbol.asyncDispose]();
  });

  test("their tools have the server's name before their own, and go to it", async () => {
    const names = await namesOf(client);
    expect(names).toContain("one_say");
    expect(names).toContain("two_say");
    const call = { name: "two_say", arguments: { a: 1 } };
    expect(textOf(await client.callTool(call))).toBe('two says {"a":1}');
    const environment = textOf(await client.callTool({ name: "one_environment" }));
    expect(JSON.parse(environment)).toEqual({ HOME: directory, KEY: "of one", cwd: directory });
  });

  test("a client learns which server is not there, and why", async () => {
    expect((await namesOf(client)).filter((name) => name.startsWith("bad"))).toEqual([]);
    const { tools } = await client.listTools();
    expect(tools.at(-1)!.description).toContain("no tools here: bad");
    const status = textOf(await client.callTool({ name: tools.at(-1)!.name }));
    expect(status).toContain("one: ready\ntwo: ready\nbad: failed, it did not start");
    expect(status).toContain("it is broken");
    expect(gateway.log()).toContain("bad: failed");
    const late = await gateway.connect();
    expect(late.getInstructions()).toContain("bad: failed");
    await late.close();
    await expect(client.callTool({ name: "bad_say" })).rejects.toThrow("There is no bad_say");
  });

  test("prompts and resources go to their servers", async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(["one_greet", "two_greet"]);
    const prompt = await client.getPrompt({ name: "two_greet", arguments: { who: "you" } });
    expect(prompt.messages[0]!.content).toEqual({ type: "text", text: "two: you" });

    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri).toSorted()).toEqual([
      ...["fixture://one", "fixture://shared", "fixture://two"],
    ]);
    const read = async (uri: string) =>
      ((await client.readResource({ uri })).contents[0] as { text: string }).text;
    expect(await read("fixture://two")).toBe("fixture://two of two");
    expect(await read("fixture://shared")).toBe("fixture://shared of one");
    expect(await read("two://anything")).toBe("two://anything of two");
    await expect(read("three://anything")).rejects.toThrow("not mine");
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(2);
  });

  test("progress and cancellation reach the other side", async () => {
    const controller = new AbortController();
    const changed = Promise.withResolvers<void>();
    const other = await gateway.connect();
    other.setNotificationHandler("notifications/tools/list_changed", async () => {
      if ((await namesOf(other)).includes("one_cancelled")) changed.resolve();
    });
    const progress: unknown[] = [];
    const call = client.callTool(
      { name: "one_wait" },
      {
        signal: controller.signal,
        onprogress: (each) => {
          progress.push(each);
          controller.abort(new Error("enough"));
        },
      },
    );
    await expect(call).rejects.toThrow("enough");
    expect(progress).toEqual([{ progress: 1, total: 2, message: "half" }]);
    // The server adds that tool when it is told.
    await changed.promise;
    await other.close();
  });

  test("what a server logs reaches the clients that want it, and new tools all of them", async () => {
    const [quiet, curious] = [await gateway.connect(), await gateway.connect()];
    const heard: unknown[] = [];
    const said = Promise.withResolvers<void>();
    quiet.setNotificationHandler("notifications/message", ({ params }) => void heard.push(params));
    await quiet.setLoggingLevel("error");
    curious.setNotificationHandler("notifications/message", ({ params }) => {
      expect(params).toMatchObject({ level: "info", data: "said", logger: "one/voice" });
      said.resolve();
    });
    const changed = [quiet, curious].map(
      (each) =>
        new Promise<void>((resolve) =>
          each.setNotificationHandler("notifications/tools/list_changed", () => resolve()),
        ),
    );
    await client.callTool({ name: "one_say" });
    await said.promise;
    await client.callTool({ name: "one_grow" });
    await Promise.all(changed);
    expect(await namesOf(quiet)).toContain("one_grown");
    expect(heard).toEqual([]);
    await Promise.all([quiet.close(), curious.close()]);
  });

  test("nobody gets in without the token", async () => {
    const { url } = gateway;
    const ask = (headers: Record<string, string>, path = "") =>
      fetch(url + path, { method: "POST", headers, body: "{}" });
    for (const authorization of ["", "Bearer", "Bearer sesam", "Bearer sesame2", "Basic sesame"]) {
      const { status, headers } = await ask({ authorization });
      expect([status, headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    const authorization = `Bearer ${token}`;
    expect((await ask({ authorization }, "/../other")).status).toBe(404);
    expect((await ask({ authorization, "mcp-session-id": "none" })).status).toBe(404);
    expect((await ask({ authorization })).status).toBeGreaterThanOrEqual(400);
  });

  test("many clients at once, of which the oldest makes room for one too many", async () => {
    const oldest = await gateway.connect();
    const clients = await Promise.all(Array.from({ length: 100 }, () => gateway.connect()));
    const calls = clients.map((each, index) =>
      each.callTool({ name: "two_say", arguments: { index } }),
    );
    expect(await Promise.all(calls).then((all) => all.map(textOf))).toEqual(
      clients.map((_, index) => `two says {"index":${index}}`),
    );
    await expect(oldest.listTools()).rejects.toThrow();
    await Promise.all(clients.map((each) => each.close()));
    // The others' session went, too.
    client = await gateway.connect();
  });
});

test("a server that ends is started again, and given up when it ends again and again", async () => {
  await using gateway = await openGateway([plan("mortal"), plan("other")]);
  const client = await gateway.connect();
  for (let times = 0; times < 3; times++) {
    await expect(client.callTool({ name: "mortal_die" })).rejects.toThrow();
    expect(textOf(await client.callTool({ name: "other_say" }))).toContain("other says");
  }
  await expect(client.callTool({ name: "mortal_say" })).rejects.toThrow("it ended 3 times");
  expect((await namesOf(client)).at(-1)).toBe("mcp_servers_status");
  await client.close();
});

test("a list waits only so long for a server that does not answer", async () => {
  const silent: ServerPlan = { ...plan("silent"), args: ["-e", "setInterval(() => {}, 1000)"] };
  await using gateway = await openGateway([silent, plan("bare")], 1000);
  const client = await gateway.connect();
  while (!(await namesOf(client)).includes("bare_say"));
  const { tools } = await client.listTools();
  expect(tools.at(-1)!.description).toContain("silent");
  const status = textOf(await client.callTool({ name: tools.at(-1)!.name }));
  expect(status).toContain("silent: starting\nbare: ready");
  await client.close();
});
