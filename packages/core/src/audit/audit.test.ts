import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AuditEvent } from "../audit-event.ts";
import type { AuditOptions } from "../audit-options.ts";
import type { CreateOptions, NetworkEvent, SandboxProvider } from "../provider.ts";
import { Sandbox } from "../sandbox.ts";
import { SandboxTools } from "../tools/create-tools.ts";
import { readLog } from "./read.ts";

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-audit-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Scripted {
  readonly provider: SandboxProvider;
  readonly asked: CreateOptions[];
  readonly killed: string[];
  readonly network: (event: Partial<NetworkEvent>) => void;
}

/** A provider whose sandboxes answer nothing, so that every call over the wire fails. */
function scripted(): Scripted {
  const asked: CreateOptions[] = [];
  const killed: string[] = [];
  const gone = new AbortController();
  const connection = {
    sandboxId: "imade",
    endpoint: () => {
      throw new Error("no answer");
    },
    gone: () => undefined,
    ended: gone.signal,
  };
  const provider = {
    name: "scripted",
    capabilities: { network: true },
    create: async (options: CreateOptions) => {
      asked.push(options);
      return connection;
    },
    connect: async () => connection,
    setTimeout: async () => {},
    pause: async () => true,
    getNetworkLog: async () => ({}),
    kill: async (id: string) => {
      gone.abort(new Error("killed"));
      return killed.push(id) > 0;
    },
  } as unknown as SandboxProvider;
  const network = (event: Partial<NetworkEvent>): void =>
    asked[0]!.onNetwork!({
      ...{ sandboxId: "imade", time: new Date(), decision: "allowed", host: "a.example" },
      ...event,
    });
  return { provider, asked, killed, network };
}

/** Collects events. */
function collector(more: Partial<AuditOptions> = {}): {
  audit: AuditOptions;
  events: AuditEvent[];
} {
  const events: AuditEvent[] = [];
  return { events, audit: { sink: (event) => void events.push(event), ...more } };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("every call is recorded before it is made, and its result afterwards, without content", async () => {
  const { provider, network } = scripted();
  const { audit, events } = collector();
  const sandbox = await Sandbox.create({ provider, audit, envs: { TOKEN: "hidden-1" } });
  expect(sandbox).toBeInstanceOf(Sandbox);
  await sandbox.setTimeout(5000);
  await expect(sandbox.runCode("print('hidden-2')")).rejects.toThrow("no answer");
  await expect(sandbox.files.write("a.txt", "hidden-3")).rejects.toThrow("no answer");
  network({ decision: "refused", host: "b.example", reason: "not allowed" });
  expect(await sandbox.kill()).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(events.map(({ event, method }) => `${event} ${method ?? ""}`.trim())).toEqual([
    "created",
    ...["call setTimeout", "result setTimeout", "call runCode", "result runCode"],
    ...["call files.write", "result files.write", "network", "call kill", "ended", "result kill"],
  ]);
  expect(events[3]).toMatchObject({
    ...{ call: 2, code: { bytes: 17, sha256: sha256("print('hidden-2')") } },
  });
  expect(events[4]).toMatchObject({ call: 2, error: { code: "connection_failed" } });
  expect(events[5]).toMatchObject({
    files: [{ path: "a.txt", bytes: 8, sha256: sha256("hidden-3") }],
  });
  expect(events[7]).toMatchObject({
    decision: "refused",
    host: "b.example",
    reason: "not allowed",
  });
  expect(JSON.stringify(events)).not.toContain("hidden");
});

test("content is recorded where it is asked for, without the values of secrets", async () => {
  const { provider } = scripted();
  const { audit, events } = collector({ content: true });
  const secrets = { KEY: { value: 'a-"secret"-value', hosts: ["a.example"] } };
  const sandbox = await Sandbox.create({ provider, audit, secrets });
  await sandbox.commands.run(`echo 'a-"secret"-value'`).catch(() => {});
  expect(events[1]).toMatchObject({ command: { text: "echo '[secret KEY]'" } });
});

test("a call that cannot be recorded is not made, unless that is allowed, or it ends or pauses the sandbox", async () => {
  const { provider, killed } = scripted();
  let works = true;
  const sink = (): void => {
    if (!works) throw new Error("the disk is full");
  };
  const sandbox = await Sandbox.create({ provider, audit: { sink } });
  works = false;
  const refused = { code: "audit_failed", message: expect.stringContaining("the disk is full") };
  await expect(sandbox.setTimeout(1000)).rejects.toMatchObject(refused);
  expect(killed).toEqual([]);
  await sandbox.pause();
  await expect(Sandbox.create({ provider, audit: { sink } })).rejects.toMatchObject(refused);
  expect(killed).toEqual(["imade"]);
  await sandbox[Symbol.asyncDispose]();
  expect(killed).toEqual(["imade", "imade"]);
  const lenient = await Sandbox.create({ provider, audit: { sink, onFailure: "warn" } });
  await lenient.setTimeout(1000);
});

test("of a network neither rules nor a proxy's password are recorded; events have a greatest length", async () => {
  const { provider } = scripted();
  const { audit, events } = collector({ content: true });
  const sandbox = await Sandbox.create({ provider, audit });
  const egressProxy = { address: "a.example:8080", username: "u", password: "hidden-1" };
  const rules = { "b.example": [{ transform: { headers: { key: "hidden-2" } } }] };
  await sandbox.updateNetwork({ egressProxy, rules }).catch(() => {});
  expect(events[1]).toMatchObject({
    network: { egressProxy: "a.example:8080", rulesFor: ["b.example"] },
  });
  expect(JSON.stringify(events)).not.toContain("hidden");
  const path = "x".repeat(20_000_000);
  await sandbox.files.remove(path).catch(() => {});
  expect(events[3]).toMatchObject({
    method: "files.remove",
    leftOut: { bytes: expect.any(Number) },
  });
  expect(events[3]).not.toHaveProperty("target");
});

test("it is recorded who asks", async () => {
  const { provider } = scripted();
  const { audit, events } = collector();
  await using tools = new SandboxTools({ provider, audit }, { onError: () => {} }, "langchain");
  await tools.get("read_file").execute({ path: "a" }, { toolCallId: "call_1", threadId: "t" });
  const by = { adapter: "langchain", tool: "read_file", toolCallId: "call_1", thread: "t" };
  const calls = events.filter(({ event }) => event === "call" || event === "result");
  expect(calls.length).toBeGreaterThan(1);
  for (const call of calls) expect(call.by).toEqual(by);
});

test("files hold a chain across their ends; what was changed, left out or torn is found", async () => {
  const { provider } = scripted();
  const directory = place();
  const audit = { directory: join(directory, "log"), maxFileBytes: 2000 };
  const sandbox = await Sandbox.create({ provider, audit });
  for (let each = 0; each < 10; each += 1) await sandbox.setTimeout(1000 + each);
  const names = readdirSync(audit.directory).toSorted();
  expect(names.length).toBeGreaterThan(2);
  const file = (at: number): string => join(audit.directory, names.at(at)!);
  for (const name of names) expect(statSync(join(audit.directory, name)).mode & 0o777).toBe(0o600);
  expect(statSync(audit.directory).mode & 0o777).toBe(0o700);
  const whole = await read(audit.directory);
  expect(whole).toMatchObject({ problems: [], torn: [] });
  expect(whole.events).toHaveLength(21);
  expect(whole.events.map(({ seq }) => seq)).toEqual(whole.events.map((_, at) => at + 1));

  const last = readFileSync(file(-1), "utf8");
  writeFileSync(file(-1), last + last.slice(0, 50));
  expect(await read(audit.directory)).toMatchObject({ problems: [], torn: [names.at(-1)] });
  writeFileSync(file(-1), last);

  const first = readFileSync(file(0), "utf8");
  writeFileSync(file(0), first.replace("1000", "9999"));
  expect((await read(audit.directory)).problems).toMatchObject([{ file: names[0], line: 2 }]);
  const lines = first.split("\n");
  writeFileSync(file(0), [lines[0], ...lines.slice(2)].join("\n"));
  expect((await read(audit.directory)).problems[0]).toMatchObject({ file: names[0], line: 2 });
  rmSync(file(0));
  expect((await read(audit.directory)).problems[0]).toMatchObject({ file: names[1], line: 1 });
});

test("a log that could not be written for a while goes on in its first file; what is no file is told", async () => {
  const { provider } = scripted();
  const directory = join(place(), "log");
  writeFileSync(directory, "in the way");
  for (let each = 0; each < 3; each += 1) {
    const refused = Sandbox.create({ provider, audit: { directory } });
    await expect(refused).rejects.toMatchObject({ code: "audit_failed" });
  }
  rmSync(directory);
  const sandbox = await Sandbox.create({ provider, audit: { directory } });
  await sandbox.setTimeout(1000);
  expect(readdirSync(directory)).toEqual([expect.stringMatching(/-000001\.jsonl$/)]);
  expect((await read(directory)).problems).toEqual([]);
  mkdirSync(join(directory, "x-000001.jsonl"));
  expect((await read(directory)).problems).toMatchObject([{ line: 0, what: "it is no file" }]);
});

async function read(directory: string) {
  const events: AuditEvent[] = [];
  const { problems, torn } = await readLog(directory, (event) => void events.push(event));
  return { events, problems, torn };
}
