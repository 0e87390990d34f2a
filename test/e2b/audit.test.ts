import { createHash } from "node:crypto";
import { join } from "node:path";
import { type AuditEvent, readAuditLog } from "@emberbox/core/audit";
import type { EmberboxServer } from "@emberbox/server";
import { Sandbox as CodeSandbox } from "@e2b/code-interpreter";
import { beforeAll, expect, test, vi } from "vitest";
import { type SdkOptions, sdkOptions, startServer, temporaryDirectory } from "../support/server.ts";

let server: EmberboxServer;
let options: SdkOptions;
let directory: string;
beforeAll(async () => {
  directory = join(temporaryDirectory(), "log");
  server = await startServer({ audit: { directory } });
  options = sdkOptions(server);
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function read(sandboxId: string) {
  const all: AuditEvent[] = [];
  const { problems, torn } = await readAuditLog(directory, (event) => void all.push(event));
  return { problems, torn, events: all.filter((event) => event.sandboxId === sandboxId) };
}

test("what E2B's SDK asks of a sandbox is recorded, with who asked, and no content", async () => {
  const network = { allowOut: ["a.example"], denyOut: ["0.0.0.0/0"] };
  const sandbox = await CodeSandbox.create({ ...options, network });
  const { sandboxId } = sandbox;
  await sandbox.commands.run("echo hidden-1; exit 3").catch(() => {});
  await sandbox.runCode("print('hidden-2'); 1 / 0");
  await sandbox.files.write("a.txt", "hidden-3");
  await sandbox.files.write([
    { path: "b.txt", data: "hidden-4" },
    { path: "c.txt", data: "" },
  ]);
  const stream = new Blob(["hidden-5"]).stream();
  await sandbox.files.write("d.txt", stream, { useOctetStream: true });
  expect(await sandbox.files.read("a.txt")).toBe("hidden-3");
  await sandbox.files.makeDir("folder");
  await sandbox.files.rename("b.txt", "folder/b.txt");
  await sandbox.files.remove("folder/b.txt");
  await sandbox.commands.run("curl -sS --max-time 5 http://b.example/").catch(() => {});
  const cat = await sandbox.commands.run("cat", { background: true, stdin: true });
  await sandbox.commands.sendStdin(cat.pid, "hidden-6");
  await cat.kill();
  await sandbox.pause();
  const again = await CodeSandbox.connect(sandboxId, options);
  await again.kill();

  await vi.waitFor(async () => {
    const { events } = await read(sandboxId);
    expect(events.at(-1)).toMatchObject({ event: "result", method: "kill" });
  });
  const { events, problems, torn } = await read(sandboxId);
  expect({ problems, torn }).toEqual({ problems: [], torn: [] });
  expect(JSON.stringify(events)).not.toContain("hidden");
  const about = (kind: string, method: string): AuditEvent[] =>
    events.filter((event) => event.event === kind && event.method === method);

  expect(events[0]).toMatchObject({ event: "created", how: "create" });
  const [call] = about("call", "commands.run");
  const command = "echo hidden-1; exit 3";
  expect(call).toMatchObject({ command: { bytes: command.length, sha256: sha256(command) } });
  const by = { adapter: "server", tenant: "default", client: expect.stringMatching(/^e2b-/) };
  expect(call!.by).toMatchObject(by);
  expect(events[0]!.by).toMatchObject(by);
  expect(about("result", "commands.run")[0]).toMatchObject({
    ...{ call: call!.call, status: 200, exitCode: 3, stdout: { sha256: sha256("hidden-1\n") } },
  });
  const code = "print('hidden-2'); 1 / 0";
  expect(about("call", "runCode")).toMatchObject([{ code: { sha256: sha256(code) } }]);
  expect(about("result", "runCode")).toMatchObject([
    { exception: "ZeroDivisionError", stdout: { sha256: sha256("hidden-2\n") } },
  ]);
  const of = (path: string, text: string) => ({ path, bytes: text.length, sha256: sha256(text) });
  const written = about("result", "files.write").flatMap(({ files }) => files);
  expect(written).toMatchObject([
    of("a.txt", "hidden-3"),
    of("b.txt", "hidden-4"),
    of("c.txt", ""),
    of("d.txt", "hidden-5"),
  ]);
  expect(about("call", "files.read")).toMatchObject([{ target: "a.txt" }]);
  expect(about("result", "files.read")).toMatchObject([{ given: { sha256: sha256("hidden-3") } }]);
  expect(about("call", "files.rename")).toMatchObject([
    { target: expect.stringMatching(/b\.txt$/), to: expect.stringMatching(/folder\/b\.txt$/) },
  ]);
  expect(about("call", "commands.sendStdin")).toMatchObject([
    { pid: cat.pid, input: { sha256: sha256("hidden-6") } },
  ]);
  expect(events).toContainEqual(
    expect.objectContaining({ event: "network", decision: "refused", host: "b.example" }),
  );
  for (const method of ["pause", "connect", "kill"])
    expect(about("result", method)).toHaveLength(1);
  expect(about("call", "pause")[0]!.by).toMatchObject(by);
});

test("what cannot be recorded is not done", async () => {
  let works = true;
  const sink = (): void => {
    if (!works) throw new Error("the disk is full");
  };
  const other = await startServer({ audit: { sink } });
  const sandbox = await CodeSandbox.create(sdkOptions(other));
  works = false;
  await expect(sandbox.commands.run("touch made")).rejects.toThrow("HTTP 500");
  await expect(sandbox.files.write("made", "")).rejects.toThrow("cannot be recorded");
  works = true;
  expect(await sandbox.files.exists("made")).toBe(false);
  works = false;
  expect(await sandbox.kill()).toBe(true);
});
