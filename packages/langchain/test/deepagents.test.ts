import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { microvm } from "@emberbox/microvm";
import { createDeepAgent } from "deepagents";
import { afterAll, describe, expect, test } from "vitest";
import { createSandboxBackend } from "../src/deepagents/index.ts";
import { describeSandboxBackend } from "../src/testing/index.ts";

const provider = microvm();
const backend = createSandboxBackend(provider, { timeoutMs: 20_000, maxOutputBytes: 100_000 });
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const names = (files: readonly { path: string }[] | undefined): string[] =>
  (files ?? []).map(({ path }) => path).toSorted();

describeSandboxBackend("Emberbox", () => backend);

describe("what the standard tests leave out", () => {
  test("a command that runs for too long is stopped, with its output", async () => {
    const impatient = createSandboxBackend(backend.sessions, { timeoutMs: 1500 });
    const { output, exitCode } = await impatient.execute("echo begun; sleep 60.375");
    expect(exitCode).toBe(124);
    expect(output).toMatch(/^begun\n[\s\S]*did not end within 1.5 seconds/);
    expect((await backend.execute("ps -eo args | grep '[s]leep 60.375'")).output).toBe("");
  });

  test("long output is cut, and says so", async () => {
    const { output, truncated } = await backend.execute("seq 100000");
    expect(truncated).toBe(true);
    expect(output.length).toBeLessThan(100_001);
    expect(output).toMatch(/^1\n2\n[\s\S]*bytes left out[\s\S]*99999\n100000\n$/);
  });

  test("bytes that are not text, and names that are odd, survive", async () => {
    await backend.uploadFiles([
      ["/tmp/o/latin.txt", bytes(0xef, 0xbb, 0xbf, 0xe9, 0x20, 0x61)],
      ["/tmp/o/data", bytes(0, 1, 2, 255)],
    ]);
    expect(await backend.edit("/tmp/o/latin.txt", "a", "b")).toMatchObject({ occurrences: 1 });
    const [latin] = await backend.downloadFiles(["/tmp/o/latin.txt"]);
    expect([...latin!.content!]).toEqual([0xef, 0xbb, 0xbf, 0xe9, 0x20, 0x62]);
    // What deepagents would put into the conversation, and models refuse, is an answer in words.
    expect((await backend.read("/tmp/o/data")).error).toContain("application/octet-stream");
    await backend.uploadFiles([
      ["/tmp/o/latin-1.csv", bytes(0x63, 0x61, 0x66, 0xe9, 0x0a)],
      ["/tmp/o/cut.png", Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB", "base64")],
    ]);
    expect(await backend.read("/tmp/o/latin-1.csv")).toMatchObject({
      content: "caf\ufffd",
      mimeType: "text/csv",
    });
    expect((await backend.read("/tmp/o/cut.png")).error).toContain("damaged");
    await backend.execute(
      `python3 -c "from PIL import Image; Image.new('RGB', (2500, 9)).save('/tmp/o/wide.gif')"`,
    );
    expect(await backend.read("/tmp/o/wide.gif")).toMatchObject({ mimeType: "image/png" });
    expect((await backend.execute("printf 'a\\0b'")).output).toBe("a␀b");
    await backend.write("/tmp/o/not-base64.png", "words");
    expect((await backend.read("/tmp/o/not-base64.png")).content).toBe("words");

    await backend.write("/tmp/o/a:b:1.txt", "needle");
    await backend.write("/tmp/o/new\nline.txt", "needle");
    const { matches } = await backend.grep("needle", "/tmp/o");
    expect(names(matches)).toEqual(["/tmp/o/a:b:1.txt", "/tmp/o/new\nline.txt"]);
    expect(names((await backend.ls("/tmp/o")).files)).toContain("/tmp/o/new\nline.txt");
    expect(names((await backend.glob("new*", "/tmp/o")).files)).toEqual(["new\nline.txt"]);
    expect((await backend.read("/tmp/o")).error).toContain("is a directory");
    expect(await backend.grep("needle", "/tmp/o", null, 1)).toMatchObject({ truncated: true });
    expect((await backend.grep("needle", "/nowhere")).error).toContain("not found");
  });

  test("links are what they lead to, and the machine's own agent is not searched", async () => {
    await backend.execute(
      "mkdir -p /tmp/k/real; cd /tmp/k; echo needle-k > real/a.txt; ln -s real linked; ln -s real/a.txt b.txt; ln -s . loop",
    );
    const { files } = await backend.glob("**", "/tmp/k");
    expect(names(files)).toEqual(
      expect.arrayContaining(["b.txt", "linked", "linked/a.txt", "real", "real/a.txt"]),
    );
    expect(files?.find(({ path }) => path === "linked")?.is_dir).toBe(true);
    const { matches } = await backend.grep("needle-k", "/tmp/k");
    expect(names(matches)).toEqual(
      expect.arrayContaining(["/tmp/k/b.txt", "/tmp/k/linked/a.txt", "/tmp/k/real/a.txt"]),
    );
    expect(names((await backend.glob("**/agent.mjs", "/")).files)).toEqual([]);
    expect(names((await backend.glob("*", "/")).files)).toContain("bin");
  });

  test("places where the user may not write are written as root", async () => {
    expect(await backend.write("/large_tool_results/x.txt", "kept")).toMatchObject({
      path: "/large_tool_results/x.txt",
    });
    expect((await backend.read("/large_tool_results/x.txt")).content).toBe("kept");
    expect(await backend.edit("/large_tool_results/x.txt", "kept", "ed")).toMatchObject({
      occurrences: 1,
    });
    expect((await backend.delete("/large_tool_results")).error).toBeUndefined();
  });

  test("a sandbox that is gone is replaced, and the agent hears of it", async () => {
    await using mortal = createSandboxBackend(provider);
    await mortal.execute("touch kept");
    await provider.kill(mortal.sessions.sandboxId()!);
    expect((await mortal.read("/home/user/kept")).error).toMatch(/not found[\s\S]*is gone/);
    expect((await mortal.execute("ls")).output).toContain("is gone");
    expect((await mortal.execute("ls")).output).toBe("");
  });
});

const call = (name: string, args: Record<string, unknown>, id: string) => ({ name, args, id });

const script = () =>
  fakeModel()
    .respondWithTools([
      call("write_file", { file_path: "/home/user/a.sh", content: "echo from a; exit 3" }, "1"),
    ])
    .respondWithTools([
      call("execute", { command: "bash a.sh; ls -a /home/user | grep -c txt" }, "2"),
    ])
    .respondWithTools([call("execute", { command: "bash a.sh" }, "3")])
    .respond(new AIMessage("done"));

describe("a deep agent", () => {
  test("works with files and commands, streams output, keeps threads apart", async () => {
    const run = async (thread_id: string) => {
      const agent = createDeepAgent({ model: script(), backend });
      const events: unknown[] = [];
      let results: ToolMessage[] = [];
      const stream = await agent.stream(
        { messages: [{ role: "user", content: "go" }] },
        { streamMode: ["tools", "values"], configurable: { thread_id } },
      );
      for await (const [mode, chunk] of stream) {
        if (mode === "tools") events.push(chunk);
        else {
          const { messages } = chunk as unknown as { messages: ToolMessage[] };
          results = messages.filter((message) => ToolMessage.isInstance(message));
        }
      }
      return { events, results };
    };
    const { events, results } = await run("one");
    expect(results.map(({ text }) => text)[2]).toMatch(/from a[\s\S]*failed with exit code 3/);
    expect(events).toContainEqual(
      expect.objectContaining({ event: "on_tool_event", toolCallId: "3", data: "from a\n" }),
    );
    expect(backend.sessions.sandboxId("one")).toBeDefined();
    expect(backend.sessions.sandboxId("one")).not.toBe(backend.sessions.sandboxId());
    await backend.sessions.close("one");
  });

  test("stops the command in the machine when its run is aborted", async () => {
    const model = fakeModel()
      .respondWithTools([{ name: "execute", args: { command: "sleep 60.625" }, id: "1" }])
      .respond(new AIMessage("done"));
    const agent = createDeepAgent({ model, backend });
    const controller = new AbortController();
    const running = agent.invoke(
      { messages: [{ role: "user", content: "go" }] },
      { signal: controller.signal },
    );
    // The backend's own calls would wait for the command.
    using lease = await backend.sessions.acquire(undefined);
    const look = "ps -eo args | grep '[s]leep 60.625' || true";
    const runs = async () => (await lease.sandbox.commands.run(look)).stdout;
    await expect.poll(runs, { timeout: 20_000 }).toContain("sleep");
    const at = Date.now();
    controller.abort();
    await expect(running).rejects.toThrow();
    expect(Date.now() - at).toBeLessThan(1000);
    await expect.poll(runs, { timeout: 5000 }).toBe("");
  });
});
