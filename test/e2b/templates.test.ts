import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { EmberboxServer } from "@emberbox/server";
import { BuildError, type LogEntry, Sandbox, Template, waitForPort } from "e2b";
import { afterAll, beforeAll, expect, test } from "vitest";
import { provider } from "../support/sandboxes.ts";
import { type SdkOptions, sdkOptions, startServer, temporaryDirectory } from "../support/server.ts";

const OPERATOR = "operator-key";
const context = temporaryDirectory();
const state = temporaryDirectory();
/** Different in each run, so that nothing of it was built before. */
const run = `${process.pid}-${Date.now()}`;
let server: EmberboxServer;
let options: SdkOptions;

beforeAll(async () => {
  mkdirSync(join(context, "app/sub"), { recursive: true });
  writeFileSync(join(context, "app/with space.txt"), run);
  writeFileSync(join(context, "app/sub/run.sh"), "#!/bin/sh\necho ran\n");
  chmodSync(join(context, "app/sub/run.sh"), 0o755);
  server = await startServer({ stateDirectory: state });
  options = sdkOptions(server);
});
afterAll(async () => {
  for (const { name } of await provider.listTemplates!()) await provider.deleteTemplate!(name);
});

const begin = () => Template({ fileContextPath: context }).fromBaseImage();
const said = async (sandbox: Sandbox, command: string): Promise<string> =>
  (await sandbox.commands.run(command)).stdout.trim();

function ask(path: string, init: RequestInit = {}, key = options.apiKey): Promise<Response> {
  return fetch(`${server.url}${path}`, { ...init, headers: { "X-API-Key": key, ...init.headers } });
}

test("a template's disk has as much room as was asked for", async () => {
  await Template.build(begin().runCmd(`echo ${run} > made`), "roomy", {
    ...{ ...options, minFreeDiskMb: 6000 },
  });
  const sandbox = await Sandbox.create("roomy", options);
  const free = await said(sandbox, "cat made; df --block-size=1M --output=avail / | tail -1");
  expect(free.split("\n")[0]).toBe(run);
  expect(Number(free.split("\n")[1])).toBeGreaterThanOrEqual(6000);
  await sandbox.kill();
});

test("a template is built with all that its steps do, and the second time at once", async () => {
  const template = begin()
    .setEnvs({ GREETING: "it's set", OTHER: "x=y" })
    .runCmd(`echo "$GREETING" ${run}; echo made > made`)
    .runCmd("id -un > /srv/by", { user: "root" })
    .setWorkdir("/home/user/app")
    .copy("app", ".")
    .copy("app/*.txt", "/srv/texts/", { user: "root", mode: 0o640 })
    .setStartCmd("python3 -m http.server 8000", waitForPort(8000));
  expect(await Template.exists("mine", options)).toBe(false);
  const logs: LogEntry[] = [];
  const built = await Template.build(template, "mine", {
    ...options,
    onBuildLogs: (entry) => logs.push(entry),
  });
  expect(built).toMatchObject({ name: "mine", templateId: "mine", tags: ["default"] });
  const messages = logs.map(({ message }) => message);
  expect(messages).toContain(`it's set ${run}`);
  expect(messages).toContain("Uploaded 'app'");
  expect(messages).toContainEqual(expect.stringMatching(/^\[5\/6\] COPY app/));
  expect(await Template.exists("mine", options)).toBe(true);
  for (const name of readdirSync(join(state, "archives"))) {
    expect(name).toMatch(/^[0-9a-f]{64}\.tar\.gz$/);
    expect(statSync(join(state, "archives", name)).mode & 0o777).toBe(0o600);
  }

  const sandbox = await Sandbox.create("mine", options);
  const asked =
    "pwd; cat ../made /srv/by 'with space.txt'; echo; sub/run.sh; echo $GREETING $OTHER; stat -c '%U %a' sub/run.sh '/srv/texts/with space.txt'; curl -s localhost:8000/sub/run.sh | tail -1";
  expect((await said(sandbox, asked)).split("\n")).toEqual([
    ...["/home/user/app", "made", "root", run, "ran", "it's set x=y"],
    ...["user 755", "root 640", "echo ran"],
  ]);
  await sandbox.kill();

  const again: string[] = [];
  await Template.build(template, "mine", {
    ...options,
    onBuildLogs: ({ message }) => again.push(message),
  });
  expect(again).toContain("Skipping upload of 'app', already cached");
  const steps = again.filter((message) => message.startsWith("["));
  expect(steps).toHaveLength(6);
  for (const step of steps) expect(step).toContain("built before");
});

test("a step that fails tells why, and where; the template stays as it was", async () => {
  await Template.build(begin().runCmd("echo old > old"), "kept", options);
  const failing = begin().runCmd("true").runCmd("echo out; echo broken >&2; exit 3");
  const failure = await Template.build(failing, "kept", options).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BuildError);
  expect((failure as BuildError).message).toMatch(/exited with 3.*broken/s);
  expect((failure as BuildError).stack).toContain("templates.test.ts");
  expect(await provider.list()).toEqual([]);
  const sandbox = await Sandbox.create("kept:default", options);
  expect(await said(sandbox, "cat old")).toBe("old");
  await sandbox.kill();

  const info = await Template.buildInBackground(failing, "kept", options);
  let status = await Template.getBuildStatus(info, options);
  while (status.status === "waiting" || status.status === "building")
    status = await Template.getBuildStatus(info, options);
  expect(status.reason).toMatchObject({ step: "2" });
  expect(status.reason!.logEntries.map(({ message }) => message)).toContain("broken");
});

test.each([
  [
    "an image on the server",
    Template().fromImage("127.0.0.1:9/it"),
    /may not be fetched.*loopback/,
  ],
  ["a file of the server", Template().fromImage("oci:/etc"), /oci:\/etc is not in a registry/],
  ["an unknown template", Template().fromTemplate("no-such"), /no-such.*not found/],
])("a build from %s fails, and says so", async (_what, template, why) => {
  const build = Template.build(template.runCmd("true"), "other", options);
  await expect(build).rejects.toThrow(BuildError);
  await expect(build).rejects.toThrow(why);
});

test("templates of one's own are built upon, listed and deleted", async () => {
  await Template.build(begin().runCmd(`echo ${run} > first`), "first", options);
  await Template.build(
    Template().fromTemplate("first").runCmd("cp first second"),
    "second",
    options,
  );
  const sandbox = await Sandbox.create("second", options);
  expect(await said(sandbox, "cat second")).toBe(run);
  await sandbox.kill();
  const listed = (await (await ask("/templates")).json()) as { templateID: string }[];
  expect(listed.map(({ templateID }) => templateID)).toEqual(
    expect.arrayContaining(["default", "first", "second"]),
  );
  expect((await ask("/templates/second", { method: "DELETE" })).status).toBe(204);
  expect((await ask("/templates/second", { method: "DELETE" })).status).toBe(404);
  expect(await Template.exists("second", options)).toBe(false);
  expect((await ask("/templates/default", { method: "DELETE" })).status).toBe(404);
});

test("tags lead to builds: sandboxes are made from each, and a tag can be moved and removed", async () => {
  const say = (text: string) => begin().runCmd(`echo ${run} ${text} > text`);
  const textOf = async (template: string): Promise<string> => {
    const sandbox = await Sandbox.create(template, options);
    const text = await said(sandbox, "cat text");
    await sandbox.kill();
    return text.replace(`${run} `, "");
  };
  const first = await Template.build(say("first"), "tagged:v1", options);
  expect(first.tags).toEqual(["v1"]);
  const second = await Template.build(say("second"), "tagged", { ...options, tags: ["v2", "new"] });
  const tagsOf = async () =>
    Object.fromEntries(
      (await Template.getTags("tagged", options)).map(({ tag, buildId }) => [tag, buildId]),
    );
  expect(await tagsOf()).toEqual({ v1: first.buildId, v2: second.buildId, new: second.buildId });
  await expect(Sandbox.create("tagged", options)).rejects.toThrow(/not found/);
  const assigned = await Template.assignTags("tagged:v1", ["default", "stable"], options);
  expect(assigned).toEqual({ buildId: first.buildId, tags: ["default", "stable"] });
  expect([await textOf("tagged"), await textOf("tagged:new")]).toEqual(["first", "second"]);
  await Template.removeTags("tagged", ["v1", "default"], options);
  expect(Object.keys(await tagsOf()).toSorted()).toEqual(["new", "stable", "v2"]);
  expect(await textOf("tagged:stable")).toBe("first");
  const sandbox = await Sandbox.create("tagged:stable", options);
  await Template.removeTags("tagged", "stable", options);
  // Its build is gone; it is not.
  await sandbox.pause();
  const resumed = await Sandbox.connect(sandbox.sandboxId, options);
  expect(await said(resumed, "cat text")).toBe(`${run} first`);
  await resumed.kill();
  const builds = (await provider.listTemplates!()).filter(({ name }) => name === "tagged");
  expect(builds.map(({ tags }) => tags)).toEqual([["new", "v2"]]);
  await expect(Template.assignTags("tagged:stable", "x", options)).rejects.toThrow(/not found/);
});

/** Asks for a build, and where to send the files of a hash. */
async function askForFiles(name: string, hash: string): Promise<string> {
  const asked = await ask("/v3/templates", { method: "POST", body: JSON.stringify({ name }) });
  expect(asked.status).toBe(202);
  const answer = await ask(`/templates/${name}/files/${hash}`);
  expect(answer.status).toBe(201);
  const { present, url } = (await answer.json()) as { present: boolean; url: string };
  expect(present).toBe(false);
  return url;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const put = async (url: string, body = "files"): Promise<number> =>
  (await fetch(url, { method: "PUT", body })).status;

test("files are taken only where a build waits for them, and only so many", async () => {
  const hash = hashOf(run);
  const url = await askForFiles("sent", hash);
  expect(await put(url.replace(hash, hashOf("other")))).toBe(403);
  expect(await put(url.replace(/token=\w/, "token=_"))).toBe(403);
  expect(await put(url.replace(/\?.*/, ""))).toBe(403);
  expect(await put(url.replace("/sent/", "/mine/"))).toBe(403);
  expect(await put(url.replace(hash, "..%2F..%2Fx"))).toBe(400);
  expect((await ask(`/templates/sent/files/${hash.slice(1)}`)).status).toBe(400);
  expect((await ask(`/templates/nobodys/files/${hash}`)).status).toBe(404);
  expect((await ask(`/templates/sent/files/${hash}`, {}, "e2b_wrong-key")).status).toBe(401);
  const huge = new Promise<number | undefined>((resolve, reject) => {
    const sending = request(url, { method: "PUT", headers: { "content-length": 3 * 1024 ** 3 } });
    sending.on("response", ({ statusCode }) => {
      resolve(statusCode);
      sending.destroy();
    });
    sending.on("error", reject);
    sending.write("x");
  });
  expect(await huge).toBe(413);
  const stream = new Blob(["no length"]).stream();
  const chunked = await fetch(url, { method: "PUT", body: stream, duplex: "half" } as RequestInit);
  expect(chunked.status).toBe(411);
  const sent = (): string[] =>
    readdirSync(join(state, "archives")).filter((name) => name.startsWith(hash));
  expect(sent()).toEqual([]);
  expect(await put(url)).toBe(200);
  expect(sent()).toEqual([`${hash}.tar.gz`]);
});

test("what was sent and is no archive fails in the sandbox", async () => {
  const template = begin().copy("app", "/srv/bad");
  const { instructionsWithHashes } = template as unknown as {
    instructionsWithHashes(): Promise<{ filesHash: string }[]>;
  };
  const [{ filesHash }] = (await instructionsWithHashes.call(template)) as [{ filesHash: string }];
  expect(await put(await askForFiles("bad", filesHash))).toBe(200);
  await expect(Template.build(template, "bad", options)).rejects.toThrow(/COPY app.*tar/s);
});

const start = async (name: string, body: unknown): Promise<Response> => {
  const asked = await ask("/v3/templates", { method: "POST", body: JSON.stringify({ name }) });
  const { buildID } = (await asked.json()) as { buildID: string };
  return ask(`/v2/templates/${name}/builds/${buildID}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
};

test.each([
  ["an unknown step", { steps: [{ type: "ADD", args: ["x"] }] }, /steps\.0: ADD/],
  ["files that were not sent", { steps: [copyOf("a".repeat(64))] }, /have not been sent/],
  ["files that lead out", { steps: [copyOf("a".repeat(64), "../x")] }, /within the context/],
  [
    "too many steps",
    { steps: Array.from({ length: 1001 }, () => ({ type: "RUN" })) },
    /1000 steps/,
  ],
])("%s is refused at once", async (_what, body, why) => {
  const answer = await start("refused", { fromTemplate: "base", ...body });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toMatch(why);
});

function copyOf(filesHash: string, src = "x"): unknown {
  return { type: "COPY", args: [src, "/srv", "", ""], filesHash };
}

test.each(["Upper", "mine:V2", "mine:", "default", "base", "", "../up"])(
  "%j is no name for a template",
  async (name) => {
    const answer = await ask("/v3/templates", { method: "POST", body: JSON.stringify({ name }) });
    expect(answer.status).toBe(400);
  },
);

test("of several tenants, none may build or delete; the operator may", async () => {
  await Template.build(begin().runCmd("true"), "shared", options);
  const shared = await startServer({
    apiKeys: { one: "key-of-one", two: "key-of-two" },
    operatorKey: OPERATOR,
  });
  const of = (apiKey: string): SdkOptions => ({ ...sdkOptions(shared), apiKey });
  const template = begin().runCmd("echo operators > whose");
  const refused = Template.build(template, "theirs", of("key-of-one"));
  await expect(refused).rejects.toThrow(/only its operator/);
  const remove = async (key: string): Promise<number> =>
    (
      await fetch(`${shared.url}/templates/shared`, {
        method: "DELETE",
        headers: { "X-API-Key": key },
      })
    ).status;
  expect(await remove("key-of-one")).toBe(403);
  await Template.build(template, "theirs", of(OPERATOR));
  const sandbox = await Sandbox.create("theirs", of("key-of-two"));
  expect(await said(sandbox, "cat whose")).toBe("operators");
  await sandbox.kill();
  expect(await remove(OPERATOR)).toBe(204);
});

test("closing the server ends what it builds", async () => {
  const closing = await startServer();
  const template = begin().runCmd(`echo ${run}; sleep 1000`);
  const info = await Template.buildInBackground(template, "endless", sdkOptions(closing));
  const isRunning = async (): Promise<boolean> =>
    (await Template.getBuildStatus(info, sdkOptions(closing))).logEntries.some(
      ({ message }) => message === run,
    );
  while (!(await isRunning())) await new Promise((resolve) => setTimeout(resolve, 100));
  await closing.close();
  expect(await provider.list()).toEqual([]);
  expect((await provider.listTemplates!()).map(({ name }) => name)).not.toContain("endless");
});
