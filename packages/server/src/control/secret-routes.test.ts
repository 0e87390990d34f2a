import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { CreateOptions, SandboxProvider } from "@emberbox/core/provider";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { ServeOptions } from "../options.ts";
import { serve } from "../server.ts";

const VALUE = "correct-horse-battery-staple";

/** A server whose provider makes no sandboxes, but remembers what it was asked for. */
async function setUp(options: Partial<ServeOptions> = {}, network = true) {
  const stateDirectory = mkdtempSync(join(tmpdir(), "emberbox-secret-routes-"));
  const asked: CreateOptions[] = [];
  const provider = {
    name: "fake",
    capabilities: { network },
    list: async () => [],
    create: async (create: CreateOptions) => {
      asked.push(create);
      throw new Error("no sandbox");
    },
  } as unknown as SandboxProvider;
  let logged = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const logger = pino({ level: "trace" }, sink);
  const server = await serve({ provider, port: 0, stateDirectory, logger, ...options });
  onTestFinished(async () => {
    await server.close();
    rmSync(stateDirectory, { recursive: true });
  });
  const ask = async (method: string, path: string, body?: unknown, key = server.apiKey) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { "X-API-Key": key },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    expect(text).not.toContain(VALUE);
    return {
      status: answer.status,
      json: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
      next: answer.headers.get("x-next-token"),
    };
  };
  return { ask, asked, logged: () => logged };
}

test("a secret is made, changed and removed, by id and name; its value is told to nobody", async () => {
  const { ask, logged } = await setUp();
  const secret = { name: "My-Key", value: VALUE, metadata: { team: "a" } };
  const made = await ask("POST", "/secrets", secret);
  const told = { name: "my-key", currentVersion: 1, metadata: { team: "a" } };
  expect(made).toMatchObject({ status: 201, json: told });
  const id = String(made.json["secretID"]);
  expect(id).toMatch(/^sec_[0-9a-f]{20}$/);
  expect(await ask("POST", "/secrets", secret)).toMatchObject({ status: 409 });
  for (const name of [id, "my-key", "MY-KEY"])
    expect((await ask("GET", `/secrets/${name}`)).json).toEqual(made.json);
  const updated = await ask("POST", `/secrets/${id}`, { value: `${VALUE}2` });
  expect(updated).toMatchObject({ status: 200, json: { ...told, currentVersion: 2 } });
  const changed = await ask("POST", "/secrets/my-key", { value: VALUE, metadata: {} });
  expect(changed.json).toMatchObject({ currentVersion: 3, metadata: {} });
  expect((await ask("DELETE", "/secrets/my-key")).status).toBe(204);
  for (const method of ["GET", "DELETE"])
    expect((await ask(method, `/secrets/${id}`)).status).toBe(404);
  expect((await ask("POST", `/secrets/${id}`, { value: VALUE })).status).toBe(404);
  expect(logged()).not.toContain(VALUE);
});

test.each([
  { name: "", value: VALUE },
  { name: "sec_mine", value: VALUE },
  { name: "a}b", value: VALUE },
  { name: "a/b", value: VALUE },
  { name: "n".repeat(129), value: VALUE },
  { name: "a", value: "" },
  { name: "a", value: `${VALUE}\nX-Other: 1` },
  { name: "a", value: `${VALUE}ü` },
  { name: "a", value: VALUE.padEnd(2049) },
  { name: "a", value: [VALUE] },
  { name: "a" },
  { name: "a", value: VALUE, metadata: { a: 1 } },
  { name: "a", value: VALUE, metadata: { a: "x".repeat(1025) } },
  { name: "a", value: VALUE, metadata: { ["k".repeat(129)]: "x" } },
  {
    ...{ name: "a", value: VALUE },
    metadata: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, "x"])),
  },
  {
    ...{ name: "a", value: VALUE },
    metadata: Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`k${index}`, "x".repeat(1000)]),
    ),
  },
])("a malformed secret is refused, without its value", async (secret) => {
  const { ask, logged } = await setUp();
  expect((await ask("POST", "/secrets", secret)).status).toBe(400);
  expect(logged()).not.toContain(VALUE);
});

test("tenants have secrets of their own, and the operator none of theirs", async () => {
  const keys = { red: "key-of-red", blue: "key-of-blue" };
  const { ask, asked } = await setUp({ apiKeys: keys, operatorKey: "key-of-operator" });
  await ask("POST", "/secrets", { name: "key", value: VALUE }, keys.red);
  await ask("POST", "/secrets", { name: "key", value: "of blue" }, keys.blue);
  expect((await ask("GET", "/secrets", undefined, "key-of-operator")).json).toEqual([]);
  const headers = { Authorization: "Bearer ${e2b.secrets.key}" };
  const create = {
    templateID: "base",
    network: { rules: { "a.example": [{ transform: { headers } }] } },
  };
  const filled = async (key: string) => {
    expect((await ask("POST", "/v2/sandboxes", create, key)).status).toBe(500);
    return JSON.stringify(asked.pop()!.network);
  };
  expect(await filled(keys.red)).toContain(`Bearer ${VALUE}`);
  expect(await filled(keys.blue)).toContain("Bearer of blue");
  const refused = await ask("POST", "/v2/sandboxes", create, "key-of-operator");
  expect(refused).toMatchObject({
    status: 400,
    json: { message: "Invalid request: network.rules: there is no secret 'key'" },
  });
  expect(asked).toEqual([]);
});

test("they are listed in pages; what cannot fill them in keeps none", async () => {
  const { ask } = await setUp();
  for (const name of ["a", "b", "c"]) await ask("POST", "/secrets", { name, value: VALUE });
  const names: unknown[] = [];
  let query = "?limit=2";
  for (let next: string | null = ""; next !== null; query = `?limit=2&nextToken=${next}`) {
    const page = await ask("GET", `/secrets${query}`);
    names.push(...(page.json as unknown as { name: string }[]).map(({ name }) => name));
    next = page.next;
  }
  expect(names.toSorted()).toEqual(["a", "b", "c"]);
  const poor = await setUp({}, false);
  expect((await poor.ask("GET", "/secrets")).status).toBe(501);
});
