import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
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
import { createInterface } from "node:readline/promises";
import { Sandbox } from "@emberbox/core";
import type { AuditEvent } from "@emberbox/core/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { programsIn } from "../packages/microvm/src/provider/program-socket.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";
import { provider } from "./support/sandboxes.ts";

const bin = join(import.meta.dirname, "../packages/emberbox/src/bin.ts");
const place = mkdtempSync(join(tmpdir(), "emberbox-watching-"));
afterAll(() => rmSync(place, { recursive: true }));

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function emberbox(parameters: readonly string[], input = ""): Answer {
  const { status, stdout, stderr } = spawnSync(sourceNode, [SOURCE, bin, ...parameters], {
    input,
    encoding: "utf8",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return { code: status, stdout, stderr };
}

type Program = ChildProcess & { readonly stdout: NonNullable<ChildProcess["stdout"]> };

/** Starts a program that prints the id of the sandbox that it runs. */
async function start(...parameters: string[]): Promise<{ program: Program; id: string }> {
  const program = spawn(sourceNode, [SOURCE, ...parameters], {
    stdio: ["ignore", "pipe", "inherit"],
  }) as Program;
  const lines = createInterface({ input: program.stdout });
  const [id] = (await once(lines, "line")) as [string];
  return { program, id };
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly until: string;
  readonly since: string;
  readonly metadata: Record<string, string>;
  readonly program?: { readonly pid: number; readonly name: string };
}

const list = (): Row[] => JSON.parse(emberbox(["list", "--json"]).stdout) as Row[];
const find = (id: string): Row | undefined => list().find((row) => row.id === id);

describe("a sandbox that another program runs", () => {
  let program: Program;
  let id: string;
  beforeAll(async () => {
    ({ program, id } = await start(join(import.meta.dirname, "support/keeper.ts")));
  });
  afterAll(() => void program.kill("SIGKILL"));

  test("is listed, with its program and labels; nobody else can reach it", () => {
    const row = find(id)!;
    expect(row).toMatchObject({ kind: "running", metadata: { task: "watched" } });
    expect(row.program).toEqual({ pid: program.pid, name: "keeper.ts" });
    const left = Date.parse(row.until) - Date.now();
    expect(left).toBeGreaterThan(3_000_000);
    expect(emberbox(["list"]).stdout).toMatch(
      new RegExp(
        `^ID .*\n(?:.*\n)*${id} +running .* keeper\\.ts \\(${program.pid}\\) +task=watched$`,
        "m",
      ),
    );
    const directory = programsIn(paths().run);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const socket = readdirSync(directory).find((name) => name.startsWith(`${program.pid}-`))!;
    expect(statSync(join(directory, socket)).mode & 0o777).toBe(0o600);
  });

  test("runs commands, with what they read and print, and their exit codes", () => {
    expect(emberbox(["exec", id, "--", "cat", "note.txt"])).toEqual({
      ...{ code: 0, stdout: "from inside", stderr: "" },
    });
    expect(emberbox(["exec", "-i", id, "--", "wc", "-c"], "12345").stdout.trim()).toBe("5");
    const failing = emberbox(["exec", id, "--", "bash", "-c", "echo 'a  b' >&2; exit 7"]);
    expect(failing).toEqual({ code: 7, stdout: "", stderr: "a  b\n" });
    const nowhere = emberbox(["exec", "inosuch", "--", "true"]);
    expect(nowhere).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no sandbox `inosuch`/),
    });
    expect(emberbox(["kill", id.slice(0, 8)])).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/ids are given whole/) },
    });
  });

  test("takes files and gives them", () => {
    const [from, back] = [join(place, "in.bin"), join(place, "back.bin")];
    writeFileSync(from, Buffer.from([0, 255, 10, 128]));
    expect(emberbox(["cp", from, `${id}:/home/user/`]).stderr).toBe("");
    expect(emberbox(["cp", `${id}:in.bin`, back]).stderr).toBe("");
    expect(readFileSync(back)).toEqual(readFileSync(from));
  });

  test("takes directories and gives them, but nothing that would lead out of one", () => {
    const folder = join(place, "folder");
    mkdirSync(join(folder, "sub"), { recursive: true });
    writeFileSync(join(folder, "sub/a.txt"), "a");
    expect(emberbox(["cp", "-r", folder, `${id}:made`])).toMatchObject({ code: 0, stderr: "" });
    // It is there now, so it is copied into it.
    expect(emberbox(["cp", folder, `${id}:made`])).toMatchObject({ code: 0, stderr: "" });
    const back = join(place, "made");
    expect(emberbox(["cp", `${id}:made`, place])).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(back, { recursive: true }).toSorted()).toEqual(
      ["folder", "folder/sub", "folder/sub/a.txt", "sub", "sub/a.txt"].toSorted(),
    );
    expect(emberbox(["cp", `${id}:made`, place])).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/--existing/) },
    });
    const replaced = emberbox(["cp", "--existing", "replace", `${id}:made/folder/.`, back]);
    expect(replaced).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(back, { recursive: true })).toEqual(["sub", "sub/a.txt"]);
    emberbox(["exec", id, "--", "ln", "-s", "/etc/passwd", "made/\u001B]0;x\u0007"]);
    expect(emberbox(["cp", `${id}:made/.`, join(place, "out")])).toMatchObject({
      ...{ code: 2, stderr: expect.not.stringContaining("\u001B") },
    });
    expect(existsSync(join(place, "out"))).toBe(false);
    const skipping = emberbox(["cp", "--skip-unsafe", `${id}:made/.`, join(place, "out")]);
    expect(skipping).toMatchObject({ code: 0, stderr: expect.stringMatching(/left out: .*0;x/) });
    expect(skipping.stderr).not.toContain("\u001B");
  });

  test("tells what its machine logs, and what commands print from now on", async () => {
    const following = spawn(sourceNode, [SOURCE, bin, "logs", "-f", id]);
    let seen = "";
    following.stdout.setEncoding("utf8").on("data", (text: string) => (seen += text));
    emberbox([
      "exec",
      id,
      "--",
      "bash",
      "-c",
      "for i in 1 2 3 4 5 6 7 8; do echo tick; sleep 0.5; done",
    ]);
    following.kill("SIGINT");
    await once(following, "exit");
    expect(seen).toContain("tick\n");
  });

  test("is paused from outside, resumed by the command line, and killed", async () => {
    expect(emberbox(["pause", id])).toMatchObject({ code: 0, stdout: `${id}\n` });
    expect(find(id)).toMatchObject({ kind: "paused", metadata: { task: "watched" } });
    const keptFor = Date.parse(find(id)!.until) - Date.parse(find(id)!.since);
    expect(keptFor).toBe(7 * 24 * 3_600_000);
    expect(emberbox(["exec", id, "--", "true"])).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/is paused\n.*emberbox resume/) },
    });
    const resumed = await start(bin, "resume", id);
    expect(find(id)).toMatchObject({ kind: "running", program: { name: "emberbox resume" } });
    expect(emberbox(["exec", id, "--", "cat", "note.txt"]).stdout).toBe("from inside");
    resumed.program.kill("SIGINT");
    expect(await once(resumed.program, "exit")).toEqual([0, null]);
    expect(find(id)?.kind).toBe("paused");
    const again = await start(bin, "resume", id);
    expect(emberbox(["kill", id])).toMatchObject({ code: 0, stdout: `${id}\n` });
    expect(await once(again.program, "exit")).toEqual([0, null]);
    expect(find(id)).toBeUndefined();
    expect(emberbox(["kill", id])).toMatchObject({ code: 1, stdout: "" });
  });

  test("is not listed any more once its program was killed", async () => {
    const other = await start(join(import.meta.dirname, "support/keeper.ts"));
    expect(find(other.id)?.kind).toBe("running");
    other.program.kill("SIGKILL");
    await once(other.program, "exit");
    expect(find(other.id)).toBeUndefined();
  });
});

test("checkpoints are listed with what is known of them, and go with their sandbox", async () => {
  const sandbox = await Sandbox.create({ provider });
  const { sandboxId } = sandbox;
  const { checkpointId } = await sandbox.checkpoint({ label: "a step" });
  const rows = JSON.parse(emberbox(["list", "--json", "--kind", "checkpoint"]).stdout) as Row[];
  expect(rows.find(({ id }) => id === checkpointId)).toMatchObject({
    ...{ kind: "checkpoint", of: sandboxId, label: "a step", current: true },
    sizeBytes: expect.any(Number),
  });
  const { stdout } = emberbox(["list"]);
  expect(stdout).toMatch(
    new RegExp(`^${checkpointId} +checkpoint .*of ${sandboxId} current$`, "m"),
  );
  expect(emberbox(["kill", checkpointId])).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining(`a checkpoint of \`${sandboxId}\``) },
  });
  await sandbox.kill();
  expect(find(checkpointId)).toBeUndefined();
});

test("a sandbox's calls and what it tries to reach are in its audit log, which tells of changes", async () => {
  const log = join(place, "audit");
  const sandbox = await Sandbox.create({
    provider,
    audit: { directory: log },
    network: { allowOut: ["allowed.invalid"], denyOut: ["0.0.0.0/0"] },
  });
  const code = `import socket
try: socket.create_connection(("blocked.invalid", 443), 5)
except OSError: pass
print("no way")`;
  expect((await sandbox.runCode(code)).logs.stdout).toEqual(["no way\n"]);
  await sandbox.kill();
  expect(emberbox(["audit", "verify", log])).toMatchObject({
    ...{ code: 0, stderr: expect.stringMatching(/events, all as they were written/) },
  });
  const shown = emberbox(["audit", "show", log, "--json"]).stdout;
  const events = shown
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEvent);
  const kinds = events.map(({ event, method }) => (method ? `${event} ${method}` : event));
  expect(kinds.filter((kind) => kind !== "network" && kind !== "ended")).toEqual([
    ...["created", "call runCode", "result runCode", "call kill", "result kill"],
  ]);
  expect(events.find(({ event }) => event === "network")).toMatchObject({
    host: "blocked.invalid",
  });
  expect(events.find(({ event }) => event === "result")).toMatchObject({ stdout: { bytes: 7 } });
  expect(shown).not.toContain("no way");
  const [file] = readdirSync(log);
  const text = readFileSync(join(log, file!), "utf8");
  writeFileSync(join(log, file!), text.replace("blocked.invalid", "allowed.invalid"));
  expect(emberbox(["audit", "verify", log])).toMatchObject({
    ...{ code: 1, stderr: expect.stringMatching(/the line was changed/) },
  });
});
