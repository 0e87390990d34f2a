import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import type {
  BuildTemplateOptions,
  TemplateLog,
  TemplateRequest,
  TemplateStep,
} from "@emberbox/core/template";
import { prune } from "@emberbox/microvm/internal";
import { Sandbox as E2bSandbox, Template as E2bTemplate } from "e2b";
import { afterAll, afterEach, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { startServer as startWeb, startTestNetwork } from "./support/outside.ts";
import { eventually, machinesOf } from "./support/processes.ts";
import { engine, provider as withSpares } from "./support/sandboxes.ts";
import { sdkOptions, startServer } from "./support/server.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-own-"));
/** What it leaves running is counted. */
const provider = engine(undefined, { standby: false });
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
/** Different in each run, so that nothing of it was built before. */
const run = `${process.pid}-${Date.now()}`;
/** What is built here: the home may have others. */
const mine = `mine-${run}`;
const below = `below-${run}`;
const ours = async () =>
  (await provider.listTemplates!()).filter(({ name }) => [mine, below].includes(name));
afterEach(async () => {
  for (const { name } of await ours()) await provider.deleteTemplate!(name);
});

const touch = (name: string): TemplateStep => ({
  type: "RUN",
  command: `echo ${run} > ${name}`,
  origin: `program.ts:${name.length}`,
});

const version = (text: string): TemplateStep[] => [
  { type: "ENV", envs: { VERSION: text } },
  { type: "RUN", command: `echo ${text} > version` },
];

interface Built {
  readonly buildId: string;
  readonly logs: TemplateLog[];
  /** Of each step, whether it was taken from an earlier build. */
  readonly cached: boolean[];
}

async function build(
  request: Partial<TemplateRequest>,
  options: Partial<BuildTemplateOptions> = {},
): Promise<Built> {
  const logs: TemplateLog[] = [];
  const onBuildLogs = (log: TemplateLog): void => {
    logs.push(log);
    options.onBuildLogs?.(log);
  };
  const { buildId } = await provider.buildTemplate!(
    { from: "default", steps: [], ...request },
    { name: mine, ...options, onBuildLogs },
  );
  const cached = logs.flatMap((log) => (log.type === "step" ? [log.isCached] : []));
  return { buildId, logs, cached };
}

const create = (): Promise<Sandbox> => Sandbox.create(mine, { provider });
const said = async (sandbox: Sandbox, command: string): Promise<string> =>
  (await sandbox.commands.run(command)).stdout.trim();

test("its sandboxes have what its steps did and set, and what they started answers", async () => {
  const request: Partial<TemplateRequest> = {
    steps: [
      { type: "ENV", envs: { GREETING: "it's set" } },
      { type: "RUN", command: `echo "$GREETING" ${run} > /srv/by-root`, user: "root" },
      { type: "WORKDIR", path: "/srv/app" },
      { type: "RUN", command: "echo here > file; echo told" },
      { type: "USER", user: "root" },
      { type: "WORKDIR", path: "sub" },
    ],
    startCommand: "exec python3 -m http.server --directory /srv 8000",
    readyCommand: "curl -sf localhost:8000 > /dev/null",
  };
  const first = await build(request);
  expect(first.cached).toEqual(request.steps!.map(() => false));
  expect(first.logs).toContainEqual({ type: "output", stream: "stdout", text: "told\n" });
  const second = await build(request);
  expect(second.cached).toEqual(request.steps!.map(() => true));
  expect(second.buildId).toBe(first.buildId);

  await using one = await create();
  await using other = await Sandbox.create(mine, { provider, envs: { MORE: "more" } });
  const asked = "id -un; pwd; cat /srv/app/file; curl -s localhost:8000/by-root";
  const expected = `root\n/srv/app/sub\nhere\nit's set ${run}`;
  expect(await said(one, asked)).toBe(expected);
  await one.pause();
  await one.connect();
  expect(await said(one, `${asked}; echo $GREETING`)).toBe(`${expected}\nit's set`);
  expect(await said(other, "echo $GREETING, $MORE")).toBe("it's set, more");
  expect((await one.runCode("import pandas; 1 + 1")).text).toBe("2");
  const uuid = "cat /proc/sys/kernel/random/uuid";
  expect(await said(one, uuid)).not.toBe(await said(other, uuid));
  const [listed] = await ours();
  expect(listed).toMatchObject({ name: mine, buildId: first.buildId, memoryMB: 1024 });
  expect(listed!.sizeBytes).toBeGreaterThan(1e7);
});

test("it boots once for another shape, or for another QEMU, and then its sandboxes are as quick", async () => {
  const progress: string[] = [];
  await using told = engine(undefined, {
    standby: false,
    onProgress: (step) => void progress.push(step),
  });
  const { buildId } = await build({
    steps: [touch("kept"), { type: "ENV", envs: { GREETING: "set" } }],
    startCommand: "exec python3 -m http.server 8000",
    readyCommand: "curl -sf localhost:8000 > /dev/null",
  });
  await using larger = await Sandbox.create(mine, { provider: told, memoryMB: 1280 });
  expect(progress[0]).toBe(`booting the template ${mine} with 1280 MiB and a processor, once`);
  const asked = "cat kept; echo $GREETING; curl -s localhost:8000/kept; nproc";
  expect(await said(larger, asked)).toBe(`${run}\nset\n${run}\n1`);
  expect(await said(larger, "free -m | awk '/Mem/ {print $2}'")).toMatch(/^12\d\d$/);
  expect((await larger.runCode("import pandas; 1 + 1")).text).toBe("2");

  progress.length = 0;
  await using next = await Sandbox.create(mine, { provider: told, memoryMB: 1280 });
  expect(await said(next, "cat kept")).toBe(run);
  expect(progress).toEqual([]);

  const manifest = join(paths().state, "templates/snapshots", buildId, "manifest.json");
  const [, text] = readFileSync(manifest, "utf8").split("\n");
  const older = text!.replace(
    /"qemuStamp":"[^"]*","qemu":"[^"]*"/,
    '"qemuStamp":"old","qemu":"old"',
  );
  expect(older).not.toBe(text);
  writeFileSync(manifest, `${createHash("sha256").update(older).digest("hex")}\n${older}`);
  const controller = new AbortController();
  const creating = Sandbox.create(mine, { provider: told, signal: controller.signal });
  creating.catch(() => {});
  // QEMU is also asked for its version, which is no machine.
  await eventually("it boots", 60_000, () => progress.length > 0 && machinesOf().length === 3);
  expect(progress[0]).toContain("with 1024 MiB");
  controller.abort(new Error("enough"));
  await expect(creating).rejects.toThrow("enough");
  await eventually("its machine is gone", 60_000, () => machinesOf().length === 2);
  expect(readdirSync(join(paths().state, "shapes/snapshots"))).toHaveLength(1);
  await told.deleteTemplate!(mine);
  expect(readdirSync(join(paths().state, "shapes/snapshots"))).toEqual([]);
  expect(await said(next, "cat kept")).toBe(run);
});

test("a step that fails says where it was written; what was done before it is kept, and so is the template", async () => {
  await build({ steps: [touch("old")] });
  const failing: TemplateStep = {
    type: "RUN",
    command: "echo out; echo why >&2; exit 3",
    origin: "program.ts:77",
  };
  const failure = await build({ steps: [touch("one"), failing] }).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "template_build_failed",
    message: expect.stringMatching(/program\.ts:77.*exited with 3.*why/s) as unknown,
    details: { exitCode: 3, stdout: "out\n", stderr: "why\n", origin: "program.ts:77" },
  });
  expect(machinesOf()).toEqual([]);
  await using old = await create();
  expect(await said(old, "ls")).toContain("old");
  const { cached } = await build({ steps: [touch("one"), touch("two"), touch("three")] });
  expect(cached).toEqual([true, false, false]);
  const changed = await build({ steps: [touch("one"), touch("two"), touch("four")] });
  expect(changed.cached).toEqual([true, true, false]);
  const steps = [touch("one"), touch("two"), touch("four")];
  const fresh = await build({ steps, freshFrom: 1 });
  expect(fresh.cached).toEqual([true, false, false]);
  await using sandbox = await create();
  expect(await said(sandbox, "ls")).toBe("four\none\ntwo");
  expect(await said(old, "ls")).toContain("old");
});

test("users may be numbers, as in Dockerfiles", async () => {
  const source = join(directory, "owned");
  writeFileSync(source, run);
  const copy = { type: "COPY", digest: "2".repeat(64), user: "1000" } as const;
  const entries = [{ path: "", type: "file", mode: 0o644, source }] as const;
  const archive = join(directory, "owned.tar.gz");
  execFileSync("tar", ["-czf", archive, "-C", directory, "owned"]);
  const steps: TemplateStep[] = [
    { type: "USER", user: "1000" },
    { type: "RUN", command: `id -un > ~/who; echo ${run}` },
    { ...copy, dest: "/srv/copied", entries },
    { ...copy, type: "UNPACK", src: "owned", dest: "/srv/unpacked", archive },
    { type: "WORKDIR", path: "/srv/made" },
  ];
  await build({ steps });
  await using sandbox = await create();
  expect(await said(sandbox, "cat ~/who; id -un; stat -c '%U %G' /srv/*")).toBe(
    "user\nuser\nuser user\nuser user\nuser user",
  );
  const more: TemplateStep = { type: "RUN", command: "id -un >> ~/who" };
  expect((await build({ steps: [...steps, more] })).cached[3]).toBe(true);
  await using after = await create();
  expect(await said(after, "cat ~/who")).toBe("user\nuser");
});

test("a template can begin with another one, and outlives it", async () => {
  const settled: TemplateStep[] = [
    { type: "ENV", envs: { LEVEL: "below" } },
    { type: "WORKDIR", path: "/srv/work" },
    { type: "USER", user: "root" },
  ];
  await build({ steps: [touch("below"), ...settled] }, { name: below });
  const command = 'echo "$LEVEL by $(id -un)" > above';
  await build({ from: below, steps: [{ type: "RUN", command }] });
  expect(await provider.deleteTemplate!(below)).toBe(true);
  expect(await provider.deleteTemplate!(below)).toBe(false);
  await using sandbox = await create();
  expect(await said(sandbox, "pwd; cat above; ls ~user")).toBe("/srv/work\nbelow by root\nbelow");
  await expect(build({ from: below })).rejects.toMatchObject({ code: "unknown_template" });
});

test("files, directories and links are copied with their modes", async () => {
  const source = join(directory, "large");
  writeFileSync(source, run.padEnd(3_000_000, "x"));
  const small = join(directory, "it's small");
  writeFileSync(small, run);
  await build({
    steps: [
      {
        type: "COPY",
        dest: "into",
        digest: "0".repeat(64),
        user: "user",
        entries: [
          { path: "", type: "directory", mode: 0o750 },
          { path: "large", type: "file", mode: 0o755, source },
          { path: "sub", type: "directory", mode: 0o755 },
          { path: "sub/it's small", type: "file", mode: 0o600, source: small },
          { path: "link", type: "symlink", mode: 0o777, target: "../somewhere else" },
        ],
      },
      {
        ...{ type: "COPY", dest: "into/sub", digest: "0".repeat(64), mode: 0o604 },
        entries: [{ path: "", type: "file", mode: 0o644, source }],
      },
    ],
  });
  await using sandbox = await create();
  const listed = await said(
    sandbox,
    "cd into; stat -c '%A %U %s %N' . large sub sub/* link; ls -a",
  );
  expect(listed.split("\n")).toEqual([
    expect.stringMatching(/^drwxr-x--- user/),
    "-rwxr-xr-x user 3000000 'large'",
    expect.stringMatching(/^drwxr-xr-x user/),
    `-rw------- user ${run.length} "sub/it's small"`,
    "-rw----r-- root 3000000 'sub/large'",
    "lrwxrwxrwx user 17 'link' -> '../somewhere else'",
    ...[".", "..", "large", "link", "sub"],
  ]);
});

test("an archive is unpacked inside, as its files would be copied, whatever it has", async () => {
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "app/sub"), { recursive: true });
  writeFileSync(join(tree, "app/with space"), "spaced");
  writeFileSync(join(tree, "app/sub/run.sh"), "echo run", { mode: 0o755 });
  writeFileSync(join(tree, "one.txt"), "one");
  symlinkSync("/etc/shadow", join(tree, "app/link"));
  const archive = join(directory, "tree.tar.gz");
  execFileSync("tar", ["-czPf", archive, "-C", tree, "app", "one.txt"]);
  const unpack = (src: string, dest: string, more = {}): TemplateStep => ({
    ...{ type: "UNPACK", src, dest, archive, digest: "1".repeat(64), ...more },
  });
  const steps = [
    unpack("app", "/srv/app", { user: "user" }),
    unpack(".", "/usr/local/bin", { user: "user" }),
    unpack("app", "/opt/", { user: "user" }),
    unpack("one.txt", "/srv/renamed"),
    unpack("*.txt", "/srv/into/", { mode: 0o600 }),
    unpack("app/with*", "relative"),
  ];
  await build({ steps });
  await using sandbox = await create();
  const asked =
    "stat -c '%U %a' /usr/local/bin /opt /opt/sub; cat /usr/local/bin/one.txt; echo; cd /srv; find app renamed into ~/relative | sort; cat app/with*; stat -c '%U %a' app/sub/run.sh into/one.txt; readlink app/link";
  expect((await said(sandbox, asked)).split("\n")).toEqual([
    ...["root 755", "root 755", "user 755", "one"],
    ...["/home/user/relative", "app", "app/link", "app/sub", "app/sub/run.sh", "app/with space"],
    ...["into", "into/one.txt", "renamed", "spaceduser 755", "root 600", "/etc/shadow"],
  ]);
  await expect(build({ steps: [unpack("nothing*", "/srv")] })).rejects.toMatchObject({
    code: "template_build_failed",
    message: expect.stringContaining("there is no nothing*") as unknown,
  });
  const refuses = async (): Promise<void> =>
    expect(build({ steps: [unpack("app", "/other")] })).rejects.toMatchObject({
      code: "template_build_failed",
    });
  execFileSync("tar", ["-czPf", archive, "-C", join(tree, "app"), "../one.txt"]);
  await refuses();
  writeFileSync(archive, "no archive");
  await refuses();
});

test.each([
  ["a start command that fails", { startCommand: "echo no >&2; exit 4", readyCommand: "false" }],
  [
    "a start command that fails while its ready command waits",
    { startCommand: "sleep 1; echo no >&2; exit 4", readyCommand: "sleep 200" },
  ],
  ["a user that there is not", { steps: [{ type: "USER", user: "nobody-here" }] }],
  ["a number that is no user's", { steps: [{ type: "USER", user: "4321" }] }],
  ["a directory in a file's place", { steps: [{ type: "WORKDIR", path: "/etc/passwd/x" }] }],
] as [string, Partial<TemplateRequest>][])(
  "%s fails, and leaves nothing",
  async (_what, request) => {
    await expect(build(request)).rejects.toMatchObject({ code: "template_build_failed" });
    expect(machinesOf()).toEqual([]);
    expect(await ours()).toEqual([]);
  },
);

test("an abort ends a step, and its machine", async () => {
  const controller = new AbortController();
  const onBuildLogs = (log: TemplateLog): void => {
    if (log.type === "output") controller.abort("enough");
  };
  const steps: TemplateStep[] = [{ type: "RUN", command: `echo ${run}; sleep 1000` }];
  await expect(build({ steps }, { onBuildLogs, signal: controller.signal })).rejects.toBe("enough");
  expect(machinesOf()).toEqual([]);
});

test("steps reach what the build's network allows, which has a ceiling", async () => {
  await using network = await startTestNetwork(["api.test"]);
  await using web = await startWeb((_request, response) => response.end("reached\n"));
  const options = { network: { allowOut: ["127.0.0.1"] } };
  const command = `curl -sS http://api.test:${web.port}/ 2>&1 || true; echo ${run}`;
  const outcome = async (options: Partial<BuildTemplateOptions>): Promise<string> => {
    let printed = "";
    const onBuildLogs = (log: TemplateLog): void => {
      if (log.type === "output") printed += log.text;
    };
    const request = { from: "default", steps: [{ type: "RUN", command }], freshFrom: 0 } as const;
    await network.provider.buildTemplate!(request, { name: mine, ...options, onBuildLogs });
    return printed;
  };
  expect(await outcome(options)).toBe(`reached\n${run}\n`);
  expect(await outcome({})).not.toContain("reached");
  await expect(outcome({ ...options, networkCeiling: true })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("ceiling") as unknown,
  });
});

test("two builds of one name wait for each other", async () => {
  const both = await Promise.all([build({ steps: [touch("a")] }), build({ steps: [touch("a")] })]);
  expect(both.map(({ cached }) => cached).toSorted()).toEqual([[false], [true]]);
  expect(both[0].buildId).toBe(both[1].buildId);
});

test("what builds keep for later ones can be removed, and templates are not", async () => {
  const steps = [touch("kept")];
  await build({ steps });
  const before = await prune({ builds: true, dryRun: true });
  expect(before.length).toBeGreaterThan(0);
  expect(before.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(0);
  expect(await prune({ builds: true })).toEqual(before);
  expect(await prune({ builds: true })).toEqual([]);
  await using sandbox = await create();
  expect(await said(sandbox, "ls")).toBe("kept");
  expect((await build({ steps })).cached).toEqual([true]);
  expect((await build({ steps, startCommand: "sleep 100", readyCommand: "true" })).cached).toEqual([
    false,
  ]);
});

test("a server's clients use the templates that its operator has built", async () => {
  const steps: TemplateStep[] = [touch("served"), { type: "ENV", envs: { GREETING: "hi" } }];
  await build({ steps }, { memoryMB: 1024 });
  const server = await startServer({ provider });
  const options = sdkOptions(server);
  expect(await E2bTemplate.exists(mine, options)).toBe(true);
  expect(await E2bTemplate.exists("other", options)).toBe(false);
  const sandbox = await E2bSandbox.create(mine, options);
  expect((await sandbox.commands.run("ls; echo $GREETING")).stdout).toBe("served\nhi\n");
  expect((await sandbox.getInfo()).templateId).toBe(mine);
  await sandbox.kill();
  await expect(E2bSandbox.create("other", options)).rejects.toThrow(/not found/);
});

test("a spare stands by that has what its template has, and is not used once that is replaced", async () => {
  await build({ steps: version("one") });
  const asked = "cat version; echo $VERSION; cat /proc/sys/kernel/random/uuid";
  await using first = await Sandbox.create(mine, { provider: withSpares });
  await eventually("a spare", 60_000, () => machinesOf().length === 2);
  await using second = await Sandbox.create(mine, { provider: withSpares });
  const [one, two] = [await said(first, asked), await said(second, asked)];
  expect([one, two].map((text) => text.split("\n").slice(0, 2))).toEqual([
    ["one", "one"],
    ["one", "one"],
  ]);
  expect(one).not.toBe(two);
  await eventually("another spare", 60_000, () => machinesOf().length === 3);
  await build({ steps: version("two") });
  await using third = await Sandbox.create(mine, { provider: withSpares });
  expect((await said(third, asked)).split("\n").slice(0, 2)).toEqual(["two", "two"]);
});

test.each(["default", `built-${"0".repeat(40)}`, "../up", "Upper", ""])(
  "%j is no name for a template",
  async (name) => {
    await expect(build({}, { name })).rejects.toMatchObject({ code: "invalid_argument" });
  },
);
