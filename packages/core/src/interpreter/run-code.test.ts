import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, buildConnector } from "undici";
import { describe, expect, test } from "vitest";
import { EmberboxError } from "../errors.ts";
import { messages, scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";
import type { Execution } from "./execution.ts";

const end = { type: "end_of_execution" };
const print = (text: string): object => ({
  type: "stdout",
  text,
  timestamp: "2026-01-01T00:00:00Z",
});

const result = (text: string): object => ({ type: "result", text, is_main_result: false });
const update = (index: number, text: string): object => ({
  type: "result_update",
  index,
  text,
  is_main_result: false,
});

async function failureOf(
  work: Promise<unknown>,
): Promise<EmberboxError & { execution: Execution }> {
  const error = await work.then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  expect(EmberboxError.isInstance(error), String(error)).toBe(true);
  const known = error as EmberboxError;
  return Object.assign(known, { execution: known.details["execution"] as Execution });
}

describe("a user", () => {
  const context = { id: "one", language: "python", cwd: "/root", user: "root" };

  test("is in the path, so that a service without users cannot pass over it", async () => {
    const asked: (string | undefined)[] = [];
    await using it = await scriptedSandbox((request, response) => {
      asked.push(request.url);
      if (request.url!.endsWith("/contexts")) response.end(JSON.stringify(context));
      else messages(end)(request, response);
    });
    await it.sandbox.runCode("1");
    await it.sandbox.runCode("1", { user: "root", language: "js" });
    expect(await it.sandbox.createCodeContext({ user: "a.b", cwd: "/root" })).toEqual(context);
    expect(asked).toEqual(["/execute", "/users/root/execute", "/users/a.b/contexts"]);
  });

  test.each([
    [404, '{"detail":"Not Found"}', "unsupported"],
    [404, "Not found", "unsupported"],
    [400, '{"message":"invalid username: \'kernel\'"}', "invalid_argument"],
    [400, '{"message":"There is no language \\"x\\" here"}', "unknown_language"],
  ])("that is answered with %i %s is %s", async (status, body, code) => {
    await using it = await scriptedSandbox((request, response) => {
      request.resume();
      response.writeHead(status).end(body);
    });
    const user = "kernel";
    expect((await failureOf(it.sandbox.runCode("1", { user }))).code).toBe(code);
    expect((await failureOf(it.sandbox.createCodeContext({ user }))).code).toBe(code);
  });

  test("of a context is the context's, and a name has to be one", async () => {
    await using it = await scriptedSandbox(messages(end));
    for (const options of [{ user: "root", context: "one" }, { user: "a/b" }, { user: ".." }])
      expect((await failureOf(it.sandbox.runCode("1", options))).code).toBe("invalid_argument");
  });
});

describe("a well-formed answer", () => {
  test("becomes an execution", async () => {
    await using it = await scriptedSandbox(
      messages(
        { type: "number_of_executions", execution_count: 3 },
        print("a\n"),
        { type: "stderr", text: "b\n", timestamp: 5 },
        { type: "keepalive" },
        { type: "result", text: "shown", png: "AAAA", is_main_result: false },
        { type: "result", text: "2", json: { a: 1 }, extra: { "x/y": "z" }, is_main_result: true },
        { type: "of a later version" },
        end,
      ),
    );
    const execution = await it.sandbox.runCode("1+1");
    expect(execution.text).toBe("2");
    expect(execution.executionCount).toBe(3);
    expect(execution.logs).toEqual({ stdout: ["a\n"], stderr: ["b\n"] });
    expect(execution.results.map((result) => result.formats())).toEqual([
      ["text", "png"],
      ["text", "json", "x/y"],
    ]);
    expect(JSON.parse(JSON.stringify(execution))).toMatchObject({
      text: "2",
      results: [{ png: "AAAA" }, {}],
    });
  });

  test("results have their last state, and callbacks hear of each", async () => {
    await using it = await scriptedSandbox(
      messages(
        result("cleared"),
        { type: "clear_results" },
        result("first"),
        result("second"),
        update(1, "first again"),
        update(0, "of what was cleared"),
        update(9, "of what never was"),
        end,
      ),
    );
    const heard: (string | undefined)[] = [];
    const execution = await it.sandbox.runCode("x", { onResult: ({ text }) => heard.push(text) });
    expect(execution.results.map(({ text, extra }) => [text, extra])).toEqual([
      ["first again", undefined],
      ["second", undefined],
    ]);
    expect(heard).toEqual(["cleared", "first", "second", "first again"]);
    expect(execution.truncated).toBe(undefined);
  });

  test("charts, tables and changed files are told", async () => {
    const line = {
      type: "line",
      title: null,
      x_label: "t (s)",
      x_unit: "s",
      elements: [
        {
          label: "a",
          points: [
            [1, null],
            ["b", 2],
          ],
          total_points: 9,
        },
      ],
      ...{ x_ticks: [1], x_tick_labels: ["1"], x_scale: "linear" },
      ...{ y_ticks: [], y_tick_labels: [], y_scale: "log" },
    };
    const file = { path: "/home/user/a", size: 1, mime_type: "text/csv", change: "created" };
    await using it = await scriptedSandbox(
      messages(
        { type: "result", chart: line, data: { a: [1, null] }, data_rows: 7 },
        { type: "result", chart: { type: "superchart", elements: [line, { type: "pie" }] } },
        { type: "result", chart: { type: "bar", elements: [{ label: 5 }] }, data: { a: 1 } },
        { type: "files", files: [file, { path: 5 }, null], truncated: true },
        end,
      ),
    );
    const execution = await it.sandbox.runCode("x", { reportFiles: true });
    const [first, several, wrong] = execution.results;
    const { title: _title, ...known } = line;
    expect(first).toMatchObject({ chart: known, data: { a: [1, null] }, dataRows: 7 });
    expect(several?.chart).toEqual({
      type: "superchart",
      elements: [known, { type: "unknown", elements: [] }],
    });
    expect(wrong).toMatchObject({ chart: { type: "unknown" }, data: undefined });
    expect(execution.files).toEqual([
      { path: "/home/user/a", size: 1, mimeType: "text/csv", change: "created" },
    ]);
    expect(execution.truncated).toEqual({ files: true });
  });

  test("an exception of the code is a result", async () => {
    const error = { name: "ValueError", value: "no", traceback: "Traceback" };
    await using it = await scriptedSandbox(messages({ type: "error", ...error }, end));
    const seen: unknown[] = [];
    const execution = await it.sandbox.runCode("x", { onError: (raised) => seen.push(raised) });
    expect(execution.error).toEqual(error);
    expect(seen).toEqual([error]);
  });

  test("a reported time-out is an error with the execution so far", async () => {
    await using it = await scriptedSandbox(
      messages(
        print("so far"),
        { type: "error", name: "Timeout", reason: "timeout", restarted: true },
        end,
      ),
    );
    const error = await failureOf(it.sandbox.runCode("x"));
    expect(error).toMatchObject({ code: "timeout", details: { restarted: true } });
    expect(error.execution.logs.stdout).toEqual(["so far"]);
  });

  test("a reported shortage of memory names the limit", async () => {
    await using it = await scriptedSandbox(
      messages({ type: "error", reason: "out_of_memory", limit_mb: 512 }, end),
    );
    const error = await failureOf(it.sandbox.runCode("x"));
    expect(error).toMatchObject({ code: "out_of_memory", details: { limitMB: 512 } });
    expect(error.message).toContain("512 MiB");
  });
});

describe("a hostile or broken answer", () => {
  const hostile: Record<string, { script: Script; code: string }> = {
    "a line that is not JSON": { script: raw("{nonsense\n"), code: "protocol_error" },
    "a line that is not an object": { script: raw("[1]\n"), code: "protocol_error" },
    "an end before the last message": { script: messages(print("a")), code: "connection_failed" },
    "an end in the middle of a line": { script: raw('{"type":"std'), code: "protocol_error" },
    "a connection cut short": {
      script: (_request, response) => {
        response.write(`${JSON.stringify(print("a"))}\n`, () => response.destroy());
      },
      code: "connection_failed",
    },
    "an unknown context": { script: status(404, "Context x not found"), code: "context_not_found" },
    "an unknown language": {
      script: status(400, "No kernel for the language cobol"),
      code: "unknown_language",
    },
    "a wrong token": { script: status(401, '{"code":401,"message":"no"}'), code: "unauthorized" },
    "an internal error": { script: status(500, "oops"), code: "protocol_error" },
  };
  for (const [name, { script, code }] of Object.entries(hostile)) {
    test(name, async () => {
      await using it = await scriptedSandbox(script);
      const error = await failureOf(it.sandbox.runCode("x"));
      expect(error.code).toBe(code);
    });
  }

  test("fields of the wrong type do no harm", async () => {
    await using it = await scriptedSandbox(
      messages(
        { type: "stdout", text: 5 },
        { type: "result", text: { a: 1 }, extra: 3 },
        { type: "error", value: [] },
        end,
      ),
    );
    const execution = await it.sandbox.runCode("x");
    expect(execution.results[0]?.formats()).toEqual([]);
    expect(execution.error).toEqual({ name: "", value: "", traceback: "" });
  });

  test(
    "an endless line is refused, and the connection destroyed",
    { timeout: 60_000 },
    async () => {
      let sent = 0;
      const closed = Promise.withResolvers<void>();
      await using it = await scriptedSandbox((_request, response) => {
        response.on("close", () => closed.resolve());
        const block = Buffer.alloc(1024 * 1024, "x");
        const more = (): void => {
          while (!response.destroyed && response.write(block)) sent += block.length;
          sent += block.length;
          if (!response.destroyed) response.once("drain", more);
        };
        more();
      });
      const error = await failureOf(it.sandbox.runCode("x"));
      expect(error.code).toBe("protocol_error");
      expect(sent).toBeLessThan(128 * 1024 * 1024);
      await closed.promise;
    },
  );

  test("pictures without end are not all kept", async () => {
    const picture = { type: "result", png: "A".repeat(1024 * 1024), is_main_result: false };
    await using it = await scriptedSandbox(
      messages(
        ...Array.from({ length: 150 }, () => picture),
        { type: "result", text: "main", is_main_result: true },
        end,
      ),
    );
    let seen = 0;
    const execution = await it.sandbox.runCode("x", { onResult: () => (seen += 1) });
    expect(seen).toBe(151);
    expect(execution.results.length).toBeLessThan(151);
    expect(execution.truncated).toEqual({ results: 151 });
    expect(execution.text).toBe("main");
  });
});

describe("output", () => {
  test("beyond the limit keeps the beginning, the end and the full size", async () => {
    const lines = Array.from({ length: 30 }, (_, index) =>
      print(String.fromCharCode(65 + index).repeat(1024 * 1024)),
    );
    await using it = await scriptedSandbox(
      messages(print("first\n"), ...lines, print("\nlast"), end),
    );
    let seen = 0;
    const execution = await it.sandbox.runCode("x", {
      onStdout: ({ line }) => void (seen += line.length),
    });
    const text = execution.logs.stdout.join("");
    expect(seen).toBe(30 * 1024 * 1024 + 11);
    expect(text.length).toBeLessThan(11 * 1024 * 1024);
    expect(text.startsWith("first\nAAAA")).toBe(true);
    expect(text.endsWith("^^^\nlast")).toBe(true);
    expect(text).toContain(`the output was ${seen} bytes in all`);
    expect(execution.truncated).toEqual({ stdoutBytes: seen });
  });

  test("a slow callback holds the sandbox up", { timeout: 30_000 }, async () => {
    let sent = 0;
    await using it = await scriptedSandbox(
      (_request, response) => void sendMany(response, 64, (bytes) => (sent += bytes)),
    );
    const first = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let seen = 0;
    const running = it.sandbox.runCode("x", {
      onStdout: async () => {
        seen += 1;
        first.resolve();
        await go.promise;
      },
    });
    await first.promise;
    await sleep(300);
    expect(seen).toBe(1);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    go.resolve();
    await running;
    expect(seen).toBe(64);
  });

  test("a callback that throws ends the run with what it threw", async () => {
    const closed = Promise.withResolvers<void>();
    await using it = await scriptedSandbox(forever(closed.resolve));
    const mine = new EmberboxError("disk_full", "mine");
    const running = it.sandbox.runCode("x", {
      onStdout: async () => {
        throw mine;
      },
    });
    await expect(running).rejects.toBe(mine);
    await closed.promise;
  });
});

describe("ending early", () => {
  test("an aborted signal is seen before anything is sent", async () => {
    let requests = 0;
    await using it = await scriptedSandbox(() => (requests += 1));
    const reason = new Error("no");
    await expect(it.sandbox.runCode("x", { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(requests).toBe(0);
  });

  test("an abort rejects at once, even while a callback hangs, and destroys the request", async () => {
    const closed = Promise.withResolvers<void>();
    await using it = await scriptedSandbox(forever(closed.resolve));
    const controller = new AbortController();
    const reason = { any: "thing" };
    const running = it.sandbox.runCode("x", {
      signal: controller.signal,
      onStdout: () => {
        setImmediate(() => controller.abort(reason));
        return new Promise(() => {});
      },
    });
    await expect(running).rejects.toBe(reason);
    await closed.promise;
  });

  test("without the guest's own deadline, the client's time limit ends the run", async () => {
    const closed = Promise.withResolvers<void>();
    await using it = await scriptedSandbox(forever(closed.resolve));
    const error = await failureOf(it.sandbox.runCode("x", { timeoutMs: 100 }));
    expect(error.code).toBe("timeout");
    expect(error.execution.logs.stdout).toEqual(["tick"]);
    await closed.promise;
  });

  test("with the guest's own deadline, the guest has the word", async () => {
    await using it = await scriptedSandbox(async (_request, response) => {
      response.writeHead(200, { "Emberbox-Deadline": "true" });
      response.write(`${JSON.stringify(print("tick"))}\n`);
      await sleep(300);
      response.end(`${JSON.stringify(end)}\n`);
    });
    await expect(it.sandbox.runCode("x", { timeoutMs: 100 })).resolves.toBeDefined();
  });

  test("a sandbox that does not answer runs into the request time limit", async () => {
    await using it = await scriptedSandbox(() => {});
    const error = await failureOf(it.sandbox.runCode("x", { requestTimeoutMs: 100 }));
    expect(error.code).toBe("timeout");
    expect(error.message).toContain("100 ms");
  });

  test("a sandbox that died is why, also when that is known a little later", async () => {
    await using it = await scriptedSandbox(async (_request, response) => {
      response.write(`${JSON.stringify(print("so far"))}\n`);
      await sleep(50);
      response.destroy();
    });
    const death = new EmberboxError("sandbox_died", "the machine ended", {
      details: { console: "panic" },
    });
    const running = it.sandbox.runCode("x", {
      onStdout: () => void setTimeout(() => it.die(death), 150),
    });
    const error = await failureOf(running);
    expect(error).toMatchObject({
      code: "sandbox_died",
      message: "the machine ended",
      details: { console: "panic" },
    });
    expect(error.execution.logs.stdout).toEqual(["so far"]);
  });
});

test("calls of one context are sent in order, however long a connection takes", async () => {
  const came: string[] = [];
  const answer = messages(end);
  await using it = await scriptedSandbox(
    async (request, response) => {
      const { code } = (await json(request)) as { code: string };
      came.push(code);
      setTimeout(() => answer(request, response), 200);
    },
    connecting([120, 60, 0]),
  );
  await Promise.all(["1", "2", "3"].map((code) => it.sandbox.runCode(code)));
  expect(came).toEqual(["1", "2", "3"]);
});

test("a call that is given up before its turn lets the next one go", async () => {
  await using it = await scriptedSandbox(messages(end), connecting([120]));
  const first = it.sandbox.runCode("1");
  const second = it.sandbox.runCode("2", { signal: AbortSignal.timeout(20) });
  const third = it.sandbox.runCode("3");
  await expect(second).rejects.toMatchObject({ name: "TimeoutError" });
  await Promise.all([first, third]);
});

/** An agent whose connections take these delays to open, in milliseconds and in this order. */
function connecting(delays: number[]): Agent {
  const connect = buildConnector({});
  return new Agent({
    connect: (options, done) => setTimeout(() => connect(options, done), delays.shift() ?? 0),
  });
}

function raw(body: string): Script {
  return (_request, response) => void response.end(body);
}

function status(code: number, body: string): Script {
  return (_request, response) => void response.writeHead(code).end(body);
}

/** Prints once and never ends. */
function forever(onClose: () => void): Script {
  return (_request, response) => {
    response.on("close", onClose);
    response.write(`${JSON.stringify(print("tick"))}\n`);
  };
}

async function sendMany(
  response: ServerResponse,
  megabytes: number,
  onSent: (bytes: number) => void,
): Promise<void> {
  const line = `${JSON.stringify(print("x".repeat(1024 * 1024)))}\n`;
  for (let index = 0; index < megabytes; index++) {
    if (!response.write(line)) await once(response, "drain");
    onSent(line.length);
  }
  response.end(`${JSON.stringify(end)}\n`);
}
