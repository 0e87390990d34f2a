import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { BuiltTemplate } from "@emberbox/core/template";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ServeOptions } from "../options.ts";
import { serve } from "../server.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const isUuid = expect.stringMatching(uuid) as string;

/** A provider whose builds are done at once; it keeps tags as the contract says. */
function fakeProvider(): SandboxProvider {
  const tags = new Map<string, { build: number; since: Date }>();
  let last = 0;
  const infoOf = (name: string, build: number): BuiltTemplate => ({
    ...{ name, buildId: `sbuild${build}`, createdAt: new Date(build * 1000) },
    ...{ memoryMB: 512, cpuCount: 1, sizeBytes: 3 * 1024 * 1024 },
    tags: [...tags].flatMap(([key, tag]) =>
      tag.build === build && key.startsWith(`${name}:`) ? [key.split(":")[1]!] : [],
    ),
  });
  const give = (name: string, given: readonly string[], build: number): BuiltTemplate => {
    for (const tag of given) tags.set(`${name}:${tag}`, { build, since: new Date() });
    return infoOf(name, build);
  };
  return {
    name: "fake",
    capabilities: { templates: true },
    list: async () => [],
    buildTemplate: async (_request: unknown, options: { name: string; tags: string[] }) =>
      give(options.name, options.tags, ++last),
    listTemplates: async () =>
      [...new Set([...tags].map(([key, { build }]) => `${key.split(":")[0]} ${build}`))].map(
        (key) => infoOf(key.split(" ")[0]!, Number(key.split(" ")[1])),
      ),
    tagTemplate: async (target: string, given: string[]) => {
      const [name = "", tag = "default"] = target.split(":");
      const found = tags.get(`${name}:${tag}`);
      if (found === undefined) throw new EmberboxError("unknown_template", "none");
      return give(name, given, found.build);
    },
    untagTemplate: async (name: string, given: string[]) =>
      given.map((tag) => tags.delete(`${name}:${tag}`)).includes(true),
    deleteTemplate: async (name: string) =>
      [...tags.keys()]
        .filter((key) => key.startsWith(`${name}:`))
        .map((key) => tags.delete(key))
        .includes(true),
    listTemplateTags: async (name: string) =>
      [...tags].flatMap(([key, { build, since }]) =>
        key.startsWith(`${name}:`)
          ? [{ tag: key.split(":")[1]!, buildId: `sbuild${build}`, createdAt: since }]
          : [],
      ),
  } as unknown as SandboxProvider;
}

async function setUp(options: Partial<ServeOptions> = {}) {
  const stateDirectory = mkdtempSync(join(tmpdir(), "emberbox-templates-"));
  onTestFinished(() => rmSync(stateDirectory, { recursive: true }));
  const provider = fakeProvider();
  const start = () => serve({ provider, port: 0, stateDirectory, ...options });
  let server = await start();
  onTestFinished(() => server.close());
  const ask = async (method: string, path: string, body?: unknown, key = server.apiKey) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { "X-API-Key": key },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      json: (text === "" ? undefined : JSON.parse(text)) as Record<string, unknown>,
      next: answer.headers.get("x-next-token"),
    };
  };
  /** Builds a template, and returns the build's id. */
  const build = async (name: string, tags?: readonly string[], key?: string): Promise<string> => {
    const asked = await ask("POST", "/v3/templates", { name, tags }, key);
    expect(asked.status).toBe(202);
    const id = String(asked.json["buildID"]);
    const path = `/templates/${name.split(":")[0]}/builds/${id}`;
    await ask("POST", `/v2${path}`, { fromTemplate: "base" }, key);
    await vi.waitFor(async () =>
      expect((await ask("GET", `${path}/status`, undefined, key)).json).toMatchObject({
        status: "ready",
      }),
    );
    return id;
  };
  const restart = async (): Promise<void> => {
    await server.close();
    server = await start();
  };
  return { ask, build, restart };
}

type Asking = Awaited<ReturnType<typeof setUp>>["ask"];
const tagsIn = async (ask: Asking, name = "mine") =>
  Object.fromEntries(
    ((await ask("GET", `/templates/${name}/tags`)).json as unknown as Record<string, string>[]).map(
      ({ tag, buildID }) => [tag, buildID],
    ),
  );

test("tags lead to builds, move with new ones, and can be taken away one by one", async () => {
  const { ask, build } = await setUp();
  const first = await build("mine", ["v1", "v2"]);
  expect(await tagsIn(ask)).toEqual({ v1: first, v2: first });
  const second = await build("mine:v2");
  const third = await build("mine");
  expect(await tagsIn(ask)).toEqual({ v1: first, v2: second, default: third });
  const assigned = await ask("POST", "/templates/tags", { target: "mine:v1", tags: ["stable"] });
  expect(assigned).toMatchObject({ status: 201, json: { buildID: first, tags: ["stable"] } });
  const removal = { name: "mine", tags: ["v1", "v2"] };
  expect((await ask("DELETE", "/templates/tags", removal)).status).toBe(204);
  expect(await tagsIn(ask)).toEqual({ stable: first, default: third });
  expect((await ask("DELETE", "/templates/mine%3Astable")).status).toBe(204);
  expect(await tagsIn(ask)).toEqual({ default: third });
  expect((await ask("DELETE", "/templates/mine")).status).toBe(204);
  expect((await ask("GET", "/templates/mine/tags")).status).toBe(404);
});

test.each([
  ["POST", { target: "none", tags: ["a"] }, 404],
  ["POST", { target: "mine:none", tags: ["a"] }, 404],
  ["POST", { target: "mine", tags: ["Not/One"] }, 400],
  ["POST", { target: "mine", tags: [] }, 400],
  ["POST", { target: "base", tags: ["a"] }, 400],
  ["DELETE", { name: "none", tags: ["a"] }, 404],
  ["DELETE", { name: "base", tags: ["default"] }, 400],
] as const)("%s of tags %j is a %i", async (method, body, status) => {
  const { ask, build } = await setUp();
  await build("mine");
  expect((await ask(method, "/templates/tags", body)).status).toBe(status);
});

test("a template's builds are told page by page, also by the next server", async () => {
  const { ask, build, restart } = await setUp();
  const ids = [await build("mine"), await build("mine:v2"), await build("mine")];
  const waiting = await ask("POST", "/v3/templates", { name: "mine" });
  const read = async () => {
    const one = await ask("GET", "/templates/mine?limit=3");
    const two = await ask("GET", `/templates/mine?limit=3&nextToken=${one.next}`);
    expect(two.next).toBeNull();
    return [...(one.json["builds"] as []), ...(two.json["builds"] as [])] as {
      buildID: string;
      status: string;
      finishedAt?: string;
    }[];
  };
  expect(new Set((await read()).map(({ buildID }) => buildID))).toEqual(
    new Set([...ids, waiting.json["buildID"]]),
  );
  await restart();
  const builds = await read();
  const statusOf = (id: unknown) => builds.find(({ buildID }) => buildID === id)?.status;
  expect(ids.map(statusOf)).toEqual(["ready", "ready", "ready"]);
  // It ended with the server that would have begun it.
  expect(statusOf(waiting.json["buildID"])).toBe("error");
  const done = builds.find(({ buildID }) => buildID === ids[0])!;
  expect(done).toMatchObject({ memoryMB: 512, cpuCount: 1, diskSizeMB: 3 });
  expect(Date.parse(done.finishedAt!)).toBeGreaterThan(0);
  const path = `/templates/mine/builds/${String(waiting.json["buildID"])}`;
  expect((await ask("GET", `${path}/status`)).json).toMatchObject({
    ...{ status: "error", logEntries: [] },
    reason: { message: expect.stringContaining("ended with the server") as string },
  });
  expect((await ask("GET", `${path}/logs`)).json).toEqual({ logs: [] });
  expect((await ask("GET", `${path.replace("mine", "other")}/status`)).status).toBe(404);
  expect((await ask("GET", "/templates/mine")).json).toMatchObject({
    ...{ templateID: "mine", names: ["mine"], public: true, buildID: ids[2] },
  });
  expect((await ask("GET", "/templates/none")).status).toBe(404);
  expect((await ask("GET", "/templates/base")).json).toMatchObject({
    names: ["default", "base", "code-interpreter-v1"],
  });
});

test("a build's log is read forwards, backwards, by level and in parts", async () => {
  const { ask, build } = await setUp();
  const path = `/templates/mine/builds/${await build("mine")}/logs`;
  const read = async (query = "") => (await ask("GET", `${path}${query}`)).json["logs"];
  expect(await read()).toMatchObject([{ level: "info", message: "The template mine is ready" }]);
  expect(await read("?direction=backward&limit=1")).toHaveLength(1);
  expect(await read("?level=error")).toEqual([]);
  expect(await read(`?cursor=${Date.now() + 100_000}`)).toEqual([]);
  expect(await read(`?cursor=${Date.now() + 100_000}&direction=backward`)).toHaveLength(1);
  for (const query of ["?level=loud", "?cursor=x", "?limit=0"])
    expect((await ask("GET", `${path}${query}`)).status).toBe(400);
});

test("all are listed once, in pages where that is asked for", async () => {
  const { ask, build } = await setUp();
  await build("mine");
  await build("mine:v2");
  const { json } = await ask("GET", "/templates");
  const listed = json as unknown as Record<string, unknown>[];
  expect(listed.map(({ templateID }) => templateID)).toEqual(["default", "mine"]);
  expect(listed[1]).toMatchObject({ buildID: isUuid, buildCount: 2, buildStatus: "ready" });
  const one = await ask("GET", "/v2/templates?limit=1");
  expect(one.json).toMatchObject([{ templateID: "mine" }]);
  const two = await ask("GET", `/v2/templates?limit=1&nextToken=${one.next}`);
  expect(two).toMatchObject({ json: [{ templateID: "default" }], next: null });
});

test("what is not public is the operator's alone, where several tenants share a server", async () => {
  const { ask, build, restart } = await setUp({
    apiKeys: { one: "key-of-one", two: "key-of-two" },
    operatorKey: "key-of-operator",
  });
  const as = (key: string) => ({
    list: async () =>
      (
        (await ask("GET", "/templates", undefined, key)).json as unknown as Record<string, string>[]
      ).map(({ templateID }) => templateID),
    alias: async () => (await ask("GET", "/templates/aliases/mine", undefined, key)).status,
    create: async () => ask("POST", "/v2/sandboxes", { templateID: "mine" }, key),
    publish: async (isPublic: boolean) =>
      (await ask("PATCH", "/v2/templates/mine", { public: isPublic }, key)).status,
    tags: async () => (await ask("GET", "/templates/mine/tags", undefined, key)).status,
  });
  const [tenant, operator] = [as("key-of-one"), as("key-of-operator")];
  await build("mine", undefined, "key-of-operator");
  expect([await tenant.list(), await tenant.alias()]).toEqual([["default", "mine"], 200]);
  expect([await tenant.publish(false), await operator.publish(false)]).toEqual([403, 200]);
  await restart();
  expect([await tenant.list(), await tenant.alias(), await tenant.tags()]).toEqual([
    ["default"],
    404,
    404,
  ]);
  expect(await tenant.create()).toMatchObject({ status: 404 });
  expect([await operator.list(), await operator.tags()]).toEqual([["default", "mine"], 200]);
  const { json } = await ask("PATCH", "/templates/mine", { public: true }, "key-of-operator");
  expect(json).toEqual({ names: ["mine"] });
  expect(await tenant.alias()).toBe(200);
  const own = await ask("PATCH", "/v2/templates/base", { public: false }, "key-of-operator");
  expect(own.status).toBe(400);
});
