import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { TemplateLog, TemplateRequest } from "../../template-request.ts";
import { e2b } from "../provider.ts";

const createdAt = "2026-01-02T03:04:05.000Z";
const time = new Date(createdAt);
interface Asked {
  readonly line: string;
  readonly body: unknown;
}
type Answers = Readonly<Record<string, unknown>>;

/** A service that gives these answers, by method and path; a list is given one after the other. */
async function service(answers: (origin: string) => Answers) {
  const asked: Asked[] = [];
  const files: Buffer[] = [];
  const left = new Map<string, unknown[]>();
  const server = createServer(async (request, response) => {
    const bytes = await buffer(request);
    const line = `${request.method} ${request.url!.split("?")[0]}`;
    const origin = `http://${request.headers.host}`;
    if (request.method === "PUT") {
      expect(request.headers["content-length"]).toBe(String(bytes.length));
      files.push(bytes);
      return void response.end();
    }
    asked.push({ line, body: bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined });
    const answer = answers(origin)[line];
    const list = left.get(line) ?? (Array.isArray(answer) ? [...(answer as unknown[])] : [answer]);
    left.set(line, list);
    const next = list.length > 1 ? list.shift() : list[0];
    if (next === undefined) response.writeHead(404).end('{"code":404,"message":"not found"}');
    else response.end(JSON.stringify(next));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = e2b({ apiKey: "a-key-of-ours", apiUrl });
  onTestFinished(async () => {
    await provider[Symbol.asyncDispose]();
    server.close();
  });
  return { provider, asked, files };
}

const line = (message: string, step: string, level = "info") => ({ level, message, step });
const tags = [{ tag: "v1", buildID: "b", createdAt }];
const builds = {
  builds: [
    { buildID: "a", createdAt, memoryMB: 1, cpuCount: 1 },
    { buildID: "b", createdAt, memoryMB: 512, cpuCount: 2, diskSizeMB: 3 },
  ],
};
const known: Answers = {
  "GET /templates/aliases/code-interpreter-v1": { templateID: "code" },
  "POST /v3/templates": { templateID: "mine", buildID: "b" },
  "POST /v2/templates/mine/builds/b": {},
  "GET /templates/mine/tags": [tags],
  "GET /templates/mine": builds,
};

const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith("emberbox-upload-"));
const namesIn = (archive: Buffer) =>
  execFileSync("tar", ["-tzf", "-"], { input: archive, encoding: "utf8" }).trim().split("\n");

test("a build is asked for, its files are sent, and it is followed to its end", async () => {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-e2b-templates-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const source = join(directory, "a.txt");
  writeFileSync(source, "copied");
  const hash = "1".repeat(64);
  const [single, sent] = ["2".repeat(64), "3".repeat(64)];
  const before = temporary();
  const { provider, asked, files } = await service((origin) => ({
    ...known,
    [`GET /templates/mine/files/${hash}`]: { present: false, url: `${origin}/put` },
    [`GET /templates/mine/files/${single}`]: { present: false, url: `${origin}/put` },
    [`GET /templates/mine/files/${sent}`]: { present: true },
    "GET /templates/mine/builds/b/status": [
      { status: "waiting", logEntries: [] },
      {
        status: "building",
        logEntries: [
          line("begins", "base"),
          line("[1/4, as it was built before] RUN make", "1"),
          line("[2/4] RUN more", "2"),
          line("said", "2"),
          line("complained", "2", "warn"),
        ],
      },
      { status: "ready", logEntries: [line("done", "finalize")] },
      { status: "ready", logEntries: [] },
    ],
  }));
  const directoryEntries = [
    { path: "", type: "directory", mode: 0o755 },
    { path: "a.txt", type: "file", mode: 0o644, source },
  ] as const;
  const request: TemplateRequest = {
    from: "default",
    steps: [
      { type: "RUN", command: "make", user: "root" },
      { type: "ENV", envs: { A: "1", B: "2" } },
      { type: "COPY", dest: "/srv", digest: hash, entries: directoryEntries, mode: 0o64 },
      {
        ...{ type: "COPY", dest: "renamed", digest: single, user: "user" },
        entries: [{ path: "", type: "file", mode: 0o600, source }],
      },
      { type: "UNPACK", dest: "/", src: "x", archive: "/none", digest: sent },
      { type: "WORKDIR", path: "/srv" },
      { type: "USER", user: "root" },
    ],
    freshFrom: 6,
    startCommand: "serve",
    readyCommand: "true",
  };
  const logs: TemplateLog[] = [];
  const built = await provider.buildTemplate!(request, {
    ...{ name: "mine:v1", memoryMB: 512 },
    onBuildLogs: (log) => logs.push(log),
  });
  expect(built).toEqual({
    ...{ name: "mine", tags: ["v1"], buildId: "b", createdAt: time },
    ...{ memoryMB: 512, cpuCount: 2, sizeBytes: 3 * 1024 * 1024 },
  });
  expect(logs).toEqual([
    { type: "progress", text: "begins" },
    { type: "step", step: 1, steps: 4, text: "RUN make", isCached: true },
    { type: "step", step: 2, steps: 4, text: "RUN more", isCached: false },
    { type: "output", stream: "stdout", text: "said\n" },
    { type: "output", stream: "stderr", text: "complained\n" },
    { type: "progress", text: "done" },
  ]);
  const bodyOf = (wanted: string) => asked.find((each) => each.line === wanted)!.body;
  expect(bodyOf("POST /v3/templates")).toEqual({ name: "mine", tags: ["v1"], memoryMB: 512 });
  const force = false;
  expect(bodyOf("POST /v2/templates/mine/builds/b")).toEqual({
    ...{ fromTemplate: "code-interpreter-v1", force, startCmd: "serve", readyCmd: "true" },
    steps: [
      { type: "RUN", args: ["make", "root"], force },
      { type: "ENV", args: ["A", "1", "B", "2"], force },
      { type: "COPY", args: ["files", "/srv", "root", "0064"], filesHash: hash, force },
      { type: "COPY", args: ["a.txt", "renamed", "user", ""], filesHash: single, force },
      { type: "COPY", args: ["x", "/", "root", ""], filesHash: sent, force },
      { type: "WORKDIR", args: ["/srv"], force },
      { type: "USER", args: ["root"], force: true },
    ],
  });
  expect(files.map(namesIn)).toEqual([["files", "files/a.txt"], ["a.txt"]]);
  expect(temporary()).toEqual(before);
});

test("a build that fails says why, and where its step was written", async () => {
  const status = { status: "error", reason: { message: "exited with 3", step: "2" } };
  const { provider } = await service(() => ({
    ...known,
    "GET /templates/mine/builds/b/status": status,
  }));
  const steps = ["first.ts:1", "second.ts:2"].map(
    (origin) => ({ type: "RUN", command: "x", origin }) as const,
  );
  const failing = provider.buildTemplate!({ from: "default", steps }, { name: "mine" });
  await expect(failing).rejects.toMatchObject({
    ...{ code: "template_build_failed", message: "second.ts:2: exited with 3" },
    details: { origin: "second.ts:2" },
  });
  const unknown = provider.buildTemplate!({ from: "none", steps }, { name: "mine" });
  await expect(unknown).rejects.toMatchObject({ code: "unknown_template" });
  const limited = { name: "mine", network: false };
  await expect(provider.buildTemplate!({ from: "default", steps }, limited)).rejects.toMatchObject({
    code: "unsupported",
  });
});

test("an abort ends the waiting", async () => {
  const { provider } = await service(() => ({
    ...known,
    "GET /templates/mine/builds/b/status": { status: "building", logEntries: [] },
  }));
  const controller = new AbortController();
  const options = { name: "mine", signal: controller.signal };
  const waiting = provider.buildTemplate!({ from: "default", steps: [] }, options);
  setTimeout(() => controller.abort("enough"), 50);
  await expect(waiting).rejects.toBe("enough");
});

test("templates are listed by build, without the service's own, and tagged", async () => {
  const { provider, asked } = await service(() => ({
    ...known,
    "GET /templates": [
      [
        { templateID: "base", names: ["base"], buildCount: 0 },
        { templateID: "mine", names: ["team/mine"], buildCount: 2 },
      ],
    ],
    "POST /templates/tags": { buildID: "b", tags: ["v2"] },
    "DELETE /templates/tags": {},
    "DELETE /templates/mine": {},
  }));
  const mine = expect.objectContaining({ name: "mine", tags: ["v1"], buildId: "b" }) as unknown;
  expect(await provider.listTemplates!()).toEqual([mine]);
  expect(await provider.listTemplateTags!("mine")).toEqual([
    { tag: "v1", buildId: "b", createdAt: time },
  ]);
  expect(await provider.listTemplateTags!("none")).toEqual([]);
  expect(await provider.tagTemplate!("mine:v1", ["v2"])).toEqual(mine);
  expect(asked.at(-3)!.body).toEqual({ target: "mine:v1", tags: ["v2"] });
  expect(await provider.untagTemplate!("mine", ["v1", "other"])).toBe(true);
  expect(asked.at(-1)!.body).toEqual({ name: "mine", tags: ["v1"] });
  expect(await provider.untagTemplate!("mine", ["other"])).toBe(false);
  expect(await provider.deleteTemplate!("mine")).toBe(true);
  expect(await provider.deleteTemplate!("none")).toBe(false);
});
