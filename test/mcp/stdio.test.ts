import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  areGone,
  eventually,
  type HostProcess,
  hostProcesses,
  machinesOf,
} from "../support/processes.ts";
import { callTool, command, connectStdio } from "./support/client.ts";
import { SOURCE, sourceNode } from "../../scripts/source.ts";

/** Initializes a connection by hand, and makes a call. */
const HANDSHAKE = [
  {
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2024-11-05",
      capabilities: {},
      clientInfo: { name: "mcp", version: "0.1.0" },
    },
  },
  { method: "notifications/initialized" },
  { id: 2, method: "tools/list" },
  {
    id: 3,
    method: "tools/call",
    params: {
      name: "run_command",
      arguments: { command: "echo to standard output" },
      _meta: { progressToken: 3 },
    },
  },
].map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

function start(): ChildProcess {
  const child = spawn(command.command, command.args, { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
}

/** All lines of standard output must be messages. */
async function untilAnswered(child: ChildProcess, id: number): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    const message = JSON.parse(line) as Message & { jsonrpc: string };
    expect(message.jsonrpc).toBe("2.0");
    messages.push(message);
    if (message.id === id) break;
  }
  return messages;
}

/** The sandbox's machine, and the one that stands by. */
async function both(ancestor: number): Promise<HostProcess[]> {
  await eventually("one stands by", 60_000, () => machinesOf(ancestor).length === 2);
  return machinesOf(ancestor);
}

describe("emberbox mcp, over standard input and output", () => {
  test.each(["legacy", "auto"] as const)(
    "serves a client that negotiates as %s: state, an error, a picture, a file",
    async (mode) => {
      await using client = await connectStdio([], { versionNegotiation: { mode } });
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual([
        "run_code",
        "run_command",
        "read_file",
        "write_file",
        "edit_file",
        "list_files",
      ]);
      expect(tools.filter(({ annotations }) => annotations?.readOnlyHint)).toMatchObject([
        { name: "read_file" },
        { name: "list_files" },
      ]);
      const run = (code: string) => callTool(client, "run_code", { code });
      await run("prices = [3, 5, 8]");
      const wrong = await run("sum(price)");
      expect(wrong.isError).toBe(true);
      expect(wrong.text).toContain("NameError");
      expect((await run("sum(prices)")).text).toContain("16");
      const drawn = await run("import matplotlib.pyplot as plt\nplt.bar('abc', prices);");
      expect(drawn.pictures).toMatchObject([{ mimeType: "image/png" }]);
      await callTool(client, "write_file", { path: "prices.csv", content: "a,3\n" });
      expect((await callTool(client, "read_file", { path: "prices.csv" })).text).toContain("a,3");
    },
  );

  test("a cancelled call is over within a second, and its command gone from the machine", async () => {
    await using client = await connectStdio();
    const controller = new AbortController();
    const began = Promise.withResolvers<void>();
    const running = callTool(
      client,
      "run_command",
      { command: "echo on; sleep 60.5" },
      { signal: controller.signal, onOutput: () => began.resolve() },
    );
    await began.promise;
    controller.abort(new Error("enough"));
    const aborted = Date.now();
    await expect(running).rejects.toThrow("enough");
    expect(Date.now() - aborted).toBeLessThan(1000);
    // It waits for the cancelled one to end.
    const ps = { command: "ps -eo args | grep '[s]leep 60.5'; true" };
    const { text } = await callTool(client, "run_command", ps);
    expect(text).not.toContain("sleep 60.5");
    expect(Date.now() - aborted).toBeLessThan(30_000);
  });

  test("with a list and a prefix, there are these tools only, and unknown ones are told apart", async () => {
    await using client = await connectStdio(["--tools", "run_command", "--prefix", "box_"]);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["box_run_command"]);
    const unknown = await callTool(client, "run_code", { code: "1" });
    expect(unknown).toMatchObject({
      isError: true,
      text: expect.stringContaining("box_run_command"),
    });
  });

  test("results are structured, too, when asked, with the text in them", async () => {
    await using client = await connectStdio(["--structured"]);
    const { structuredContent } = await client.callTool({
      name: "run_command",
      arguments: { command: "echo hi; exit 3" },
    });
    expect(structuredContent).toMatchObject({
      text: expect.stringContaining("exit code: 3"),
      data: { exitCode: 3, stdout: "hi\n" },
    });
  });

  test("standard output has nothing but messages", async () => {
    const child = start();
    child.stdin!.write(HANDSHAKE.join(""));
    const messages = await untilAnswered(child, 3);
    expect(messages[0]).toMatchObject({
      result: { protocolVersion: "2024-11-05", serverInfo: { name: "emberbox" } },
    });
    expect(messages.map(({ id }) => id)).toEqual([1, 2, undefined, 3]);
    expect(JSON.stringify(messages.at(-1))).toContain("to standard output");
  });

  test.each([
    ["SIGINT", (child: ChildProcess) => child.kill("SIGINT")],
    ["SIGTERM", (child: ChildProcess) => child.kill("SIGTERM")],
    ["the end of its input", (child: ChildProcess) => child.stdin!.end()],
  ])("%s ends it and its machines", async (_name, end) => {
    const child = start();
    child.stdin!.write(HANDSHAKE.join(""));
    await untilAnswered(child, 3);
    const machines = await both(child.pid!);
    end(child);
    expect(await once(child, "exit")).toEqual([0, null]);
    // As a process that has ended, it stays in the table until somebody asks how.
    await eventually("the machine is gone", 1000, () => areGone(machines));
  });

  test.each(["client", "server"])("kill -9 of the %s leaves no machine", async (victim) => {
    const program = join(import.meta.dirname, "support/client-program.ts");
    const client = spawn(sourceNode, [SOURCE, program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void client.kill("SIGKILL"));
    await once(client.stdout, "data");
    const machines = await both(client.pid!);
    const server = hostProcesses().find(({ parent }) => parent === client.pid)!;
    process.kill(victim === "client" ? client.pid! : server.pid, "SIGKILL");
    const watched = [server, ...machines];
    await eventually("server and machine are gone", 10_000, () => areGone(watched));
  });
});
