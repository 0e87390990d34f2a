import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Sandbox, EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import {
  createSandboxTools,
  NativeTools,
  SandboxSessions,
  SandboxTools,
  type ToolContext,
} from "@emberbox/core/tools";
import { describeTools } from "@emberbox/conformance/vitest";
import { microvm } from "@emberbox/microvm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, provider } from "./support/sandboxes.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";

describeTools(
  "plain tool calls",
  () => microvm(),
  (provider) => {
    const tools = createSandboxTools(provider, { maxPictureBytes: 100_000 });
    return {
      call: (tool, input, { onOutput, ...context } = {}) =>
        tools.get(tool).execute(input, {
          ...context,
          ...(onOutput && { onOutput: ({ text }) => onOutput(text) }),
        } satisfies ToolContext),
      [Symbol.asyncDispose]: () => tools[Symbol.asyncDispose](),
    };
  },
);

const running = async (): Promise<number> =>
  (await provider.list()).filter(({ state }) => state === "running").length;
const pausing = (): SandboxTools =>
  createSandboxTools(provider, { idleTimeoutMs: 500, onIdle: "pause" });
const refuse = (): never => {
  throw new Error("full");
};
const count = async (): Promise<number> => (await provider.list()).length;

describe("the sandboxes of tools", () => {
  test("parallel first calls make one sandbox, also when one of them is aborted", async () => {
    await using tools = createSandboxTools(provider);
    const before = await count();
    const controller = new AbortController();
    const command = "echo $HOSTNAME";
    const aborted = tools.execute("run_command", { command }, { signal: controller.signal });
    const others = [1, 2, 3].map(() => tools.execute("run_command", { command }));
    controller.abort(new Error("not me"));
    await expect(aborted).rejects.toThrow("not me");
    const results = await Promise.all(others);
    expect(new Set(results.map(({ data }) => data.sandboxId)).size).toBe(1);
    expect(results.every(({ isError }) => !isError)).toBe(true);
    expect(await count()).toBe(before + 1);
  });

  test("an aborted creation leaves nothing, and the next call works", async () => {
    const before = await count();
    {
      await using tools = createSandboxTools(provider);
      const controller = new AbortController();
      const call = tools.execute("list_files", {}, { signal: controller.signal });
      setTimeout(() => controller.abort(new Error("enough")), 20);
      await expect(call).rejects.toThrow("enough");
      expect((await tools.execute("list_files", {})).isError).toBe(false);
    }
    expect(await count()).toBe(before);
  });

  test("an idle conversation's sandbox ends, and the next call is told", async () => {
    await using tools = createSandboxTools(provider, { idleTimeoutMs: 500 });
    const before = await count();
    await tools.execute("run_code", { code: "x = 1" }, { threadId: "t" });
    expect(await count()).toBe(before + 1);
    await expect.poll(count, { timeout: 10_000 }).toBe(before);
    const { text } = await tools.execute("run_code", { code: "1" }, { threadId: "t" });
    expect(text).toMatch(/it was not used for .* minutes[\s\S]*lost/);
    expect((await tools.execute("run_code", { code: "1" }, { threadId: "t" })).text).not.toContain(
      "lost",
    );
  });

  test("an idle conversation's sandbox is paused when asked, and goes on where it was", async () => {
    if (!provider.capabilities.pause) {
      expect(pausing).toThrow(expect.objectContaining({ code: "unsupported" }));
      return;
    }
    await using tools = pausing();
    const before = await running();
    const all = await count();
    await tools.execute("run_code", { code: "kept = 42" }, { threadId: "t" });
    await expect.poll(running, { timeout: 20_000 }).toBe(before);
    expect(await count()).toBe(all + 1);
    const { text } = await tools.execute("run_code", { code: "kept" }, { threadId: "t" });
    expect(text).toContain("42");
    expect(text).not.toContain("lost");
    await tools[Symbol.asyncDispose]();
    expect(await count()).toBe(all);
  });

  test("no more sandboxes run than may: the one idle longest makes room, or a call waits", async () => {
    await using tools = createSandboxTools(provider, { maxSandboxes: 1 });
    const before = await count();
    const run = (threadId: string, command: string) =>
      tools.execute("run_command", { command }, { threadId });
    const [first, second] = await Promise.all([run("a", "sleep 1; echo a"), run("b", "echo b")]);
    expect([first.text, second.text].join()).toMatch(/a[\s\S]*b/);
    expect(await count()).toBe(before + 1);
    expect((await run("a", "echo again")).text).toMatch(/needed the room[\s\S]*again/);
  });

  test("what was given stays: a sandbox, a provider, sessions", async () => {
    await using sandbox = await createSandbox();
    await using sessions = new SandboxSessions(provider);
    const before = await count();
    for (const source of [sandbox, sessions]) {
      await using tools = createSandboxTools(source);
      expect((await tools.execute("run_code", { code: "6 * 7" })).text).toContain("42");
    }
    expect(await count()).toBe(before + 1);
    expect(await sandbox.isRunning()).toBe(true);
    expect(await sessions.close()).toBe(true);
    expect(await count()).toBe(before);
    await sandbox.kill();
    await using tools = createSandboxTools(sandbox);
    const gone = await tools.execute("run_code", { code: "1" });
    expect(gone).toMatchObject({ isError: true, data: { errorCode: "sandbox_closed" } });
    expect(gone.text).toContain("tell the user");
  });

  test("a sandbox of its own for each set of options", async () => {
    await using tools = createSandboxTools({ provider, envs: { COLOUR: "green" } });
    const { text } = await tools.execute("run_command", { command: "echo $COLOUR" });
    expect(text).toContain("green");
  });

  test("closing while one is made leaves nothing", async () => {
    const before = await count();
    const tools = createSandboxTools(provider);
    const call = tools.execute("list_files", {});
    await tools[Symbol.asyncDispose]();
    expect(await call).toMatchObject({ isError: true });
    expect(await count()).toBe(before);
    expect(await tools.execute("list_files", {})).toMatchObject({ isError: true });
  });

  test("without an engine, the model is told to stop trying, and the developer what to do", async () => {
    const heard: unknown[] = [];
    const missing = new EmberboxError("qemu_missing", "no QEMU below /secret/place");
    const failing: SandboxProvider = { ...provider, create: () => Promise.reject(missing) };
    await using tools = createSandboxTools(failing, { onError: (error) => heard.push(error) });
    const { isError, text } = await tools.execute("run_code", { code: "1" });
    expect(isError).toBe(true);
    expect(text).toContain("tell the user");
    expect(text).not.toContain("/secret/place");
    expect(heard).toEqual([missing]);
  });

  test("with nothing given, it is the engine of this machine", () => {
    const program = join(import.meta.dirname, "support/nothing-given.ts");
    const { stdout, stderr } = spawnSync(sourceNode, [SOURCE, program], {
      encoding: "utf8",
      timeout: 120_000,
    });
    expect(`${stdout}${stderr}`).toContain("it says 42");
  });
});

describe("what streams", () => {
  test("progress is small, and the result comes last", async () => {
    await using tools = createSandboxTools(provider);
    const command =
      "for i in 1 2 3 4 5 6; do head -c 300000 /dev/zero | tr '\\0' x; echo; sleep 0.4; done";
    const values = [];
    for await (const value of tools.get("run_command").stream({ command })) values.push(value);
    const running = values.filter(({ status }) => status === "running");
    expect(running.length).toBeGreaterThan(2);
    expect(JSON.stringify(running).length).toBeLessThan(running.length * 6000);
    expect(values.at(-1)).toMatchObject({
      status: "done",
      isError: false,
      data: { truncated: true },
    });
  });

  test("giving up the iteration stops the work", async () => {
    await using tools = createSandboxTools(provider);
    const command = "while true; do echo tick; sleep 0.2; done";
    for await (const value of tools.get("run_command").stream({ command })) {
      expect(value.status).toBe("running");
      break;
    }
    const { text } = await tools.execute("run_command", {
      command: "ps -eo args | grep '[e]cho tick'",
    });
    expect(text).not.toContain("while true");
  });

  test("a callback that throws ends the call with what it threw", async () => {
    await using tools = createSandboxTools(provider);
    const call = tools.execute(
      "run_command",
      { command: "echo a; sleep 60" },
      { onOutput: refuse },
    );
    await expect(call).rejects.toThrow("full");
  });
});

describe("native executors, and pictures", () => {
  let sandbox: Sandbox;
  let native: NativeTools;
  beforeAll(async () => {
    sandbox = await createSandbox();
    native = new NativeTools(sandbox, { timeoutMs: 20_000 });
  });
  afterAll(() => sandbox.kill());

  test("shell runs one command after the other, until one runs out of time", async () => {
    const commands = ["echo a; echo b >&2; exit 3", "sleep 60", "echo never"];
    expect(await native.shell({ commands, timeoutMs: 1500, maxOutputLength: 4000 })).toEqual({
      output: [
        { stdout: "a\n", stderr: "b\n", outcome: { type: "exit", exitCode: 3 } },
        { stdout: "", stderr: expect.stringContaining("time limit"), outcome: { type: "timeout" } },
      ],
      maxOutputLength: 4000,
    });
  });

  test("local shell passes arguments as they are", async () => {
    const command = ["printf", "%s|", "a b", "it's", "$HOME", ""];
    expect(await native.localShell({ command })).toEqual({ output: "a b|it's|$HOME||" });
    const failing = {
      command: ["sh", "-c", "echo $X; pwd; exit 4"],
      env: { X: "1" },
      workingDirectory: "/tmp",
    };
    expect(await native.localShell(failing)).toEqual({ output: "1\n/tmp\n\nexit code: 4" });
  });

  test("bash keeps its state until it is restarted", async () => {
    await native.bash({ command: "cd /tmp; kept=yes" });
    expect(await native.bash({ command: "echo $kept; pwd" })).toBe("yes\n/tmp");
    expect(await native.bash({ command: "(exit 5)" })).toContain("exit status 5");
    expect(await native.bash({ restart: true })).toContain("restarted");
    expect(await native.bash({ command: "echo [$kept]" })).toBe("[]");
    expect(await native.bash({})).toContain("Expected `command`");
  });

  test("the text editor views, creates, replaces and inserts", async () => {
    const path = "/home/user/editor.txt";
    const edit = (command: string, more: object = {}) =>
      native.textEditor({ command, path, ...more });
    expect(await edit("create", { file_text: "one\ntwo\nthree\n" })).toContain("Wrote");
    expect(await edit("view", { view_range: [2, -1] })).toBe("2\ttwo\n3\tthree");
    expect(await edit("str_replace", { old_str: "two", new_str: "2" })).toContain("2\t2");
    expect(await edit("str_replace", { old_str: "none" })).toContain("`old_str` was not found");
    expect(await edit("insert", { insert_line: 0, insert_text: "zero\n" })).toContain("1\tzero");
    expect(await edit("insert", { insert_line: 99, insert_text: "x" })).toContain("from 0 to 4");
    expect(await sandbox.files.read(path)).toBe("zero\none\n2\nthree\n");
    expect(await native.textEditor({ command: "view", path: "/home/user" })).toContain(
      "editor.txt",
    );
    expect(await edit("undo")).toContain("Expected `command`");
  });

  test("patches make, change and remove files", async () => {
    const path = "src/patched.py";
    const create = { type: "create_file", path, diff: "+def f():\n+    return 1" };
    expect(await native.applyPatch(create)).toMatchObject({ status: "completed" });
    expect(await native.applyPatch(create)).toMatchObject({ status: "failed" });
    const update = { type: "update_file", path, diff: "@@ def f():\n-    return 1\n+    return 2" };
    expect(await native.applyPatch(update)).toMatchObject({ status: "completed" });
    expect(await sandbox.files.read(path)).toBe("def f():\n    return 2\n");
    const misfit = await native.applyPatch(update);
    expect(misfit).toMatchObject({ status: "failed", output: expect.stringContaining("return 1") });
    expect(await native.applyPatch({ type: "delete_file", path })).toMatchObject({
      status: "completed",
    });
    expect(await native.applyPatch({ type: "delete_file", path })).toMatchObject({
      status: "failed",
    });
  });

  test("of pictures that some model refuses, the sandbox makes copies; what it cannot copy is told of", async () => {
    await using tools = createSandboxTools(sandbox);
    const code = `
import struct, zlib
import numpy
from PIL import Image
Image.new("RGB", (2500, 100), "red").save("wide.png")
frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
frames[0].save("moves.gif", save_all=True, append_images=frames[1:])
Image.fromarray(numpy.full((2100, 20), 40_000, "uint16")).save("grey.png")
turned = Image.Exif()
turned[0x0112] = 6
Image.new("RGB", (3000, 1500)).save("turned.jpg", exif=turned)
noise = numpy.random.default_rng(1).integers(0, 256, (1050, 1050, 4), "uint8")
Image.fromarray(noise).save("noise.webp", lossless=True)
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 1, 0, 0, 0, 0))
open("huge.png", "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
open("PIL.py", "w").write("this is no module")`;
    await sandbox.files.write("/tmp/pictures.py", code);
    await sandbox.commands.run("python3 /tmp/pictures.py", { timeoutMs: 200_000 });
    const drawn = await tools.execute("run_code", {
      code: 'from PIL import Image\nImage.open("wide.png")',
    });
    expect(drawn.text).toContain("2000 × 80 pixels; the original has 2500 × 100; all of it");
    const read = async (path: string): Promise<string[]> => {
      const { text, pictures } = await tools.execute("read_file", { path });
      return [
        text,
        ...pictures.flatMap(({ mimeType, sizeBytes }) => [mimeType, String(sizeBytes)]),
      ];
    };
    const expected = {
      "wide.png": ["2000 × 80 pixels; the original has 2500 × 100]", "image/png"],
      "moves.gif": ["30 × 20, and 2 frames, of which this is the first]", "image/png"],
      "turned.jpg": ["1000 × 2000 pixels; the original has 3000 × 1500]", "image/jpeg"],
      "noise.webp": ["1050 × 1050 pixels; the original has 1050 × 1050]", "image/jpeg"],
    };
    for (const [path, [text, mimeType]] of Object.entries(expected))
      expect(await read(path)).toEqual([
        expect.stringContaining(text!),
        mimeType,
        expect.anything(),
      ]);
    expect(await read("huge.png")).toEqual([expect.stringContaining("9000 × 9000")]);
    const [grey] = (await tools.execute("read_file", { path: "grey.png" })).pictures;
    await sandbox.files.write("seen.png", Buffer.from(grey!.base64, "base64"));
    const look = 'Image.open("seen.png").convert("RGB").getpixel((5, 5))';
    expect((await tools.execute("run_code", { code: look })).text).toContain("(156, 156, 156)");
    // Without Pillow, there is a note.
    await sandbox.commands.run("mv /usr/lib/python3/dist-packages/PIL /root/", { user: "root" });
    expect(await read("wide.png")).toEqual([
      expect.stringContaining("larger than the 2000 pixels"),
    ]);
    await sandbox.commands.run("mv /root/PIL /usr/lib/python3/dist-packages/", { user: "root" });
    expect((await sandbox.files.list("/tmp/tool-output")).map(({ name }) => name)).toEqual([
      expect.stringMatching(/picture\.png$/),
    ]);
  });

  test("an abort stops a native command, too", async () => {
    const controller = new AbortController();
    const call = native.shell({ commands: ["sleep 60.5"] }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("stop")), 1500);
    await expect(call).rejects.toThrow("stop");
    const { output } = await native.shell({ commands: ["ps -eo args | grep -c '[s]leep 60.5'"] });
    expect(output[0]!.stdout).toBe("0\n");
  });
});
