import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CodeContext } from "./code-context.ts";
import { Execution } from "./execution.ts";
import type { Kernel, KernelExit, KernelListener, Language } from "./language.ts";

type Run = (code: string, listener: KernelListener, kernel: ScriptedKernel) => void;

/** A kernel whose code is a function of the test. */
class ScriptedKernel implements Kernel {
  onExit: (exit: KernelExit) => void = () => undefined;
  readonly calls: string[] = [];
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  execute(code: string, _envs: unknown, listener: KernelListener): void {
    this.calls.push(code);
    this.#run(code, listener, this);
  }

  interrupt(): void {
    this.calls.push("interrupt");
  }

  kill(): void {
    this.calls.push("kill");
  }

  restored(): void {}
  async reset(): Promise<void> {}
  pause(): void {}
  resume(): void {}
}

function silent(): void {}
const user = () => ({ name: "user", uid: 1000, gid: 1000, home: "/", shell: "/bin/sh" });

const kernels: ScriptedKernel[] = [];
let server: Server;
let run: Run;
let context: CodeContext;
let responses: ServerResponse[];
const begun = (): boolean[] => responses.map(({ headersSent }) => headersSent);

beforeEach(async () => {
  kernels.length = 0;
  responses = [];
  const language: Language = {
    name: "scripted",
    aliases: [],
    start: async () => {
      const kernel = new ScriptedKernel((...all) => run(...all));
      kernels.push(kernel);
      return kernel;
    },
    warm: async () => undefined,
    close: () => undefined,
  };
  context = new CodeContext({ id: "one", language, cwd: "/", envs: () => ({}), user, log: silent });
  server = createServer((request, response) => {
    const url = new URL(request.url!, "http://localhost");
    const timeoutMs = Number(url.searchParams.get("timeout") ?? 0);
    const code = url.searchParams.get("code")!;
    context.submit(
      new Execution({ code, envs: undefined, reportFiles: false, timeoutMs }, response),
    );
    responses.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function call(
  code: string,
  timeout = 0,
  signal?: AbortSignal,
): Promise<Record<string, unknown>[]> {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/?timeout=${timeout}&code=${encodeURIComponent(code)}`;
  const response = await fetch(url, signal === undefined ? {} : { signal });
  const text = await response.text();
  return text
    .trim()
    .split("\n")
    .map((text_) => JSON.parse(text_) as Record<string, unknown>)
    .filter((one) => one["type"] !== "keepalive");
}

const line = (text: string): Buffer => Buffer.from(`${JSON.stringify({ type: "stdout", text })}\n`);

describe("an execution", () => {
  it("forwards lines as they are and ends", async () => {
    run = (code, listener) => {
      listener.output(line(code));
      listener.end();
    };
    expect(await call("hello")).toEqual([
      { type: "stdout", text: "hello" },
      { type: "end_of_execution" },
    ]);
  });

  it("answers in one piece when it is over soon", async () => {
    const sent: boolean[] = [];
    run = (code, listener) => {
      listener.output(line(code));
      listener.flush();
      sent.push(...begun());
      listener.output(line("more"));
      listener.flush();
      sent.push(...begun());
      listener.end();
    };
    expect(await call("first")).toHaveLength(3);
    expect(sent).toEqual([false, true]);
  });

  it("waits for the one before it, and answers meanwhile", async () => {
    const open: KernelListener[] = [];
    run = (_code, listener) => void open.push(listener);
    const both = [call("first"), call("second")];
    await expect.poll(begun).toEqual([true, true]);
    expect(open.length).toBe(1);
    open[0]!.end();
    await expect.poll(() => open.length).toBe(2);
    open[1]!.end();
    await Promise.all(both);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]!.calls).toHaveLength(2);
  });

  it("is interrupted at its deadline and reports where it was", async () => {
    run = (_code, listener, kernel) => {
      kernel.interrupt = () => {
        const error = { type: "error", name: "KeyboardInterrupt", value: "", traceback: "line 3" };
        listener.error(Buffer.from(`${JSON.stringify(error)}\n`));
        listener.end();
      };
    };
    const [error, end] = await call("loop", 50);
    expect(error).toMatchObject({
      name: "TimeoutError",
      reason: "timeout",
      restarted: false,
      traceback: "line 3",
    });
    expect(end).toEqual({ type: "end_of_execution" });
    expect(kernels).toHaveLength(1);
  });

  it("costs the kernel when it ignores the interrupt", async () => {
    run = (code, listener) => {
      if (code === "next") listener.end();
    };
    const [error] = await call("deaf", 50);
    expect(error).toMatchObject({ name: "TimeoutError", restarted: true });
    expect(kernels[0]!.calls).toEqual(["deaf", "interrupt", "kill"]);
    expect(await call("next")).toEqual([{ type: "end_of_execution" }]);
    expect(kernels).toHaveLength(2);
  }, 20_000);

  it("times out in the queue without being started", async () => {
    const open: KernelListener[] = [];
    run = (_code, listener) => void open.push(listener);
    const first = call("first");
    await expect.poll(() => open.length).toBe(1);
    const [error] = await call("second", 50);
    expect(error).toMatchObject({
      name: "TimeoutError",
      value: expect.stringMatching(/Not started/),
    });
    open[0]!.end();
    await first;
    expect(kernels[0]!.calls).toEqual(["first"]);
  });

  it("is interrupted when its client goes away", async () => {
    let interrupted = false;
    run = (code, listener, kernel) => {
      kernel.interrupt = () => {
        interrupted = true;
        listener.end();
      };
      if (code === "next") listener.end();
    };
    const aborter = new AbortController();
    const gone = call("loop", 0, aborter.signal);
    await expect.poll(() => kernels[0]?.calls.length).toBe(1);
    aborter.abort();
    await expect(gone).rejects.toThrow();
    await expect.poll(() => interrupted).toBe(true);
    expect(await call("next")).toEqual([{ type: "end_of_execution" }]);
  });

  it("says why its kernel died, with its last words, after closing an unfinished line", async () => {
    run = (code, listener, kernel) => {
      if (code === "next") return listener.end();
      listener.output(line("before"));
      kernel.onExit({ code: 3, stdout: "last words" });
    };
    const [before, words, error, end] = await call("die");
    expect(before).toMatchObject({ text: "before" });
    expect(words).toMatchObject({ type: "stdout", text: "last words" });
    expect(error).toMatchObject({
      name: "KernelDied",
      reason: "kernel_died",
      value: expect.stringContaining("exit code 3"),
    });
    expect(end).toEqual({ type: "end_of_execution" });
    expect(await call("next")).toEqual([{ type: "end_of_execution" }]);
    expect(kernels).toHaveLength(2);
  });

  it("names the reason when memory ran out", async () => {
    run = (_code, _listener, kernel) => kernel.onExit({ signal: "SIGKILL", outOfMemory: true });
    const [error] = await call("fill");
    expect(error).toMatchObject({ name: "OutOfMemory", reason: "out_of_memory" });
  });
});
