import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { BuildTemplateOptions, BuiltTemplate, TemplateRequest } from "@emberbox/core/template";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ServeOptions } from "../options.ts";
import { serve } from "../server.ts";

const hash = "a".repeat(64);
const own: BuiltTemplate = {
  ...{
    name: "own",
    tags: ["default"],
    buildId: "b",
    createdAt: new Date(),
    memoryMB: 512,
    cpuCount: 1,
  },
};
type BuildTemplate = (
  request: TemplateRequest,
  options: BuildTemplateOptions,
) => Promise<BuiltTemplate>;

/** A server whose provider builds as it is told here. */
async function setUp(options: Partial<ServeOptions> = {}, buildTemplate?: BuildTemplate) {
  const stateDirectory = mkdtempSync(join(tmpdir(), "emberbox-builds-"));
  const provider = {
    name: "fake",
    capabilities: { templates: buildTemplate !== undefined },
    list: async () => [],
    ...(buildTemplate && { buildTemplate, listTemplates: async () => [own] }),
  } as unknown as SandboxProvider;
  const server = await serve({ provider, port: 0, stateDirectory, ...options });
  onTestFinished(async () => {
    await server.close();
    rmSync(stateDirectory, { recursive: true });
  });
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { "X-API-Key": server.apiKey },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: answer.status, length: answer.headers.get("content-length"), json };
  };
  return { server, stateDirectory, ask };
}

test("a provider that builds none says so", async () => {
  const { ask } = await setUp();
  for (const [method, path] of [
    ["POST", "/v3/templates"],
    ["GET", `/templates/mine/files/${hash}`],
    ["POST", "/v2/templates/mine/builds/b"],
    ["GET", "/templates/mine/builds/b/status"],
    ["DELETE", "/templates/mine"],
  ] as const)
    expect((await ask(method, path)).status).toBe(501);
});

test("a provider that runs no MCP servers says so", async () => {
  const { ask } = await setUp();
  const body = { templateID: "base", mcp: { memory: {} } };
  const { status, json } = await ask("POST", "/v2/sandboxes", body);
  expect([status, json["message"]]).toEqual([501, expect.stringContaining("mcp")]);
  const wrong = await ask("POST", "/v2/sandboxes", { ...body, mcp: ["memory"] });
  expect(wrong.status).toBe(400);
});

test("what is asked for is what the provider builds", async () => {
  const build = vi.fn<BuildTemplate>(async (_request, { onBuildLogs }) => {
    onBuildLogs!({ type: "step", step: 1, steps: 1, text: "RUN true", isCached: false });
    return own;
  });
  const { ask, stateDirectory } = await setUp({ memoryMB: 2048 }, build);
  const asked = await ask("POST", "/v3/templates", { name: "mine:default", cpuCount: 2, tags: [] });
  expect(asked).toMatchObject({ status: 202, json: { templateID: "mine", tags: ["default"] } });
  const path = `/templates/mine/builds/${asked.json["buildID"] as string}`;
  expect((await ask("GET", `${path}/status`)).json).toMatchObject({ status: "waiting" });
  const files = await ask("GET", `/templates/mine/files/${hash}`);
  expect(files).toMatchObject({ status: 201, json: { present: false } });
  const copy = { type: "COPY", args: ["a", "/b", "", ""], filesHash: hash };
  const steps = [{ type: "RUN", args: ["true"] }, copy];
  const body = { fromTemplate: "own:default", steps, force: false };
  expect((await ask("POST", `/v2${path}`, body)).status).toBe(400);
  await fetch(String(files.json["url"]), { method: "PUT", body: "archive" });
  expect(await ask("POST", `/v2${path}`, body)).toEqual({ status: 202, length: "0", json: {} });
  await vi.waitFor(async () =>
    expect((await ask("GET", `${path}/status`)).json).toMatchObject({ status: "ready" }),
  );
  const archive = join(stateDirectory, "archives", `${hash}.tar.gz`);
  expect(readFileSync(archive, "utf8")).toBe("archive");
  const unpack = { type: "UNPACK", src: "a", dest: "/b", user: "user", digest: hash, archive };
  expect(build).toHaveBeenCalledExactlyOnceWith(
    { from: "own", steps: [{ type: "RUN", command: "true" }, unpack] },
    expect.objectContaining({ name: "mine", memoryMB: 2048, cpuCount: 2 }),
  );
  expect((await ask("POST", `/v2${path}`, body)).status).toBe(409);
  const { json } = await ask("GET", `${path}/status?logsOffset=1`);
  expect(json["logEntries"]).toMatchObject([{ message: "The template mine is ready" }]);
  expect((await ask("GET", `${path}/status?logsOffset=-1`)).status).toBe(400);
  expect((await ask("GET", `${path.replace("mine", "other")}/status`)).status).toBe(404);
});

test("a build that finds no room fails with the reason", async () => {
  const { ask } = await setUp({ quotas: { "*": { memoryMB: 1024 } } }, async () => own);
  const asked = await ask("POST", "/v3/templates", { name: "mine", memoryMB: 4096 });
  const path = `/templates/mine/builds/${asked.json["buildID"] as string}`;
  await ask("POST", `/v2${path}`, { fromImage: "e2bdev/base" });
  await vi.waitFor(async () =>
    expect((await ask("GET", `${path}/status`)).json).toMatchObject({
      status: "error",
      reason: { step: "base", message: expect.stringContaining("the quota of memory") as unknown },
    }),
  );
});

test("files can be sent over HTTP/2", async () => {
  const { server, stateDirectory } = await setUp({ tls: "self-signed" }, async () => own);
  const session = connect(server.url, { ca: readFileSync(server.certificateFile!) });
  onTestFinished(() => session.close());
  const send = async (method: string, path: string, body = ""): Promise<[number, string]> => {
    const stream = session.request(
      {
        ...{ ":method": method, ":path": path, "x-api-key": server.apiKey },
        ...(body !== "" && { "content-length": Buffer.byteLength(body) }),
      },
      { endStream: body === "" },
    );
    const status = new Promise<number>((resolve) =>
      stream.on("response", (headers) => resolve(headers[":status"]!)),
    );
    if (body !== "") stream.end(body);
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += chunk;
    return [await status, text];
  };
  await send("POST", "/v3/templates", JSON.stringify({ name: "mine" }));
  const [, told] = await send("GET", `/templates/mine/files/${hash}`);
  const { origin, pathname, search } = new URL((JSON.parse(told) as { url: string }).url);
  expect(origin).toBe(server.url);
  expect(await send("PUT", `${pathname}${search}`, "archive")).toEqual([200, ""]);
  expect(await send("PUT", pathname, "archive")).toMatchObject({ 0: 403 });
  expect(readFileSync(join(stateDirectory, `archives/${hash}.tar.gz`), "utf8")).toBe("archive");
});

/** Starts a build from this, and resolves to what the provider is to begin with, or to why it failed. */
async function beginning(from: object): Promise<unknown> {
  const build = vi.fn<BuildTemplate>(async () => own);
  const { ask } = await setUp({}, build);
  const asked = await ask("POST", "/v3/templates", { name: "mine" });
  const path = `/templates/mine/builds/${asked.json["buildID"] as string}`;
  await ask("POST", `/v2${path}`, { ...from, steps: [{ type: "WORKDIR", args: ["app"] }] });
  const status = await vi.waitFor(async () => {
    const { json } = await ask("GET", `${path}/status`);
    expect(json["status"]).toMatch(/^(ready|error)$/);
    return json;
  });
  const request = build.mock.calls[0]?.[0];
  return request ? [request.from, request.steps[0]] : (status["reason"] as { message: string });
}

const relative = { type: "WORKDIR", path: "app" };
test.each([
  [{ fromImage: "python:3.12-slim" }, [{ image: "python:3.12-slim" }, relative]],
  [
    {
      fromImage: "host/it:1",
      fromImageRegistry: { type: "registry", username: "reader", password: "secret" },
    },
    [{ image: "host/it:1", username: "reader", password: "secret" }, relative],
  ],
  [{ fromImage: "e2bdev/base" }, ["default", { ...relative, path: "/home/user/app" }]],
  [
    { fromImage: "e2bdev/code-interpreter:latest" },
    ["default", { ...relative, path: "/home/user/app" }],
  ],
])("a build begins with %j", async (from, expected) => {
  expect(await beginning(from)).toEqual(expected);
});

const aws = { type: "aws", awsAccessKeyId: "a", awsSecretAccessKey: "b", awsRegion: "c" };
test.each([
  [{}, "needs fromTemplate or fromImage"],
  [{ fromImage: "oci:/etc/secrets" }, "is not in a registry"],
  [{ fromImage: "docker-archive:/root/x.tar" }, "is not in a registry"],
  [{ fromImage: "oci:here:1" }, "is not in a registry"],
  [{ fromImage: "a", fromImageRegistry: aws }, "of the kind aws"],
  [{ fromImage: "a", fromImageRegistry: { type: "registry", username: "a" } }, "and password"],
])("a build from %j is refused", async (from, why) => {
  expect(await beginning(from)).toMatchObject({ message: expect.stringContaining(why) as unknown });
});
