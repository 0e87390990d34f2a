import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Agent } from "undici";
import { describe, expect, test } from "vitest";
import type { SandboxProvider } from "../provider.ts";
import { Sandbox } from "../sandbox.ts";
import { scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";
import { Gathered } from "./gathered.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const JSON_TYPE = { "Content-Type": "application/json" };
const STREAM_TYPE = { "Content-Type": "application/connect+json" };

/** Writes a long answer piece by piece, as fast as it is read. */
async function pour(response: ServerResponse, pieces: Iterable<string | Buffer>): Promise<void> {
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  for (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece))
      await once(response, "drain", { signal: closed.signal }).catch(() => {});
  }
  response.end();
}

const answering =
  (type: Record<string, string>, ...pieces: readonly (string | Buffer)[]): Script =>
  (request, response) => {
    request.resume();
    response.writeHead(200, type);
    pour(response, pieces).catch(() => response.destroy());
  };

const times = (count: number, piece: string): string[] => Array<string>(count).fill(piece);
const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

/** Counts the turns that other work got in the event loop while `work` went on. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let next: NodeJS.Immediate;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  next = setImmediate(count);
  await work.catch(() => {});
  clearImmediate(next);
  return turns;
}

function envelope(message: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, Buffer.from(message)]);
}

describe("an answer that costs more than it may", () => {
  const list: Record<string, Script> = {
    "4 million entries": answering(
      JSON_TYPE,
      '{"entries":[',
      ...times(400, "{},".repeat(10_000)),
      "{}]}",
    ),
    "200 000 entries": answering(
      JSON_TYPE,
      '{"entries":[',
      ...times(20, "{},".repeat(10_000)),
      "{}]}",
    ),
    "30 million brackets": answering(JSON_TYPE, ...times(300, "[".repeat(100_000))),
    "JSON 5 000 deep": answering(JSON_TYPE, `{"entries":${deep(5000)}}`),
    "a short answer 300 deep": answering(JSON_TYPE, `{"entries":${deep(300)}}`),
    "what is not JSON": answering(JSON_TYPE, "<html>"),
    "preliminary answers without end": (_request, response) => {
      for (let count = 0; count < 100; count++) response.writeEarlyHints({ link: "</a>; rel=b" });
    },
  };
  for (const [name, script] of Object.entries(list)) {
    test(`${name}: protocol_error`, async () => {
      await using it = await scriptedSandbox(script);
      await expect(it.sandbox.files.list("/")).rejects.toMatchObject({ code: "protocol_error" });
    });
  }

  const run: Record<string, Script> = {
    "a result with JSON 5 000 deep": answering({}, `{"type":"result","json":${deep(5000)}}\n`),
    "a result of 2 million values": answering(
      {},
      '{"type":"result","json":[',
      ...times(200, "0,".repeat(10_000)),
      "0]}\n",
    ),
    "a line of 70 MiB": answering(
      {},
      '{"type":"stdout","text":"',
      ...times(70, "x".repeat(2 ** 20)),
    ),
    "a line that is not JSON": answering({}, `{"type":"stdout","text":${"x".repeat(100_000)}}\n`),
  };
  for (const [name, script] of Object.entries(run)) {
    test(`${name}: protocol_error`, async () => {
      await using it = await scriptedSandbox(script);
      await expect(it.sandbox.runCode("x")).rejects.toMatchObject({ code: "protocol_error" });
    });
  }

  test("an event that is 100 deep: protocol_error", async () => {
    await using it = await scriptedSandbox(
      answering(STREAM_TYPE, envelope(`{"event":${deep(100)}}`)),
    );
    await expect(it.sandbox.commands.run("x")).rejects.toMatchObject({ code: "protocol_error" });
  });
});

test("what several calls read at once has a limit, which is whole again afterwards", async () => {
  const half = answering({}, '{"type":"result","png":"', ...times(40, "x".repeat(2 ** 20)));
  const end = '{"type":"end_of_execution"}\n';
  let isWhole = false;
  const script: Script = (request, response) => {
    if (isWhole) return answering({}, end)(request, response);
    half(request, response);
    return undefined;
  };
  await using it = await scriptedSandbox(script);
  // Each breaks off after 40 MiB.
  const codes = await Promise.all(
    Array.from({ length: 8 }, () =>
      it.sandbox.runCode("x").catch((error: unknown) => (error as { code: string }).code),
    ),
  );
  expect(codes).toContain("protocol_error");
  isWhole = true;
  const large = '{"type":"x","y":"' + "x".repeat(2 ** 25) + `"}\n${end}`;
  await using other = await scriptedSandbox(answering({}, large));
  for (let count = 0; count < 6; count++) await other.sandbox.runCode("x");
  await it.sandbox.runCode("x");
});

describe("while a sandbox says much, others have their turn", () => {
  test("50 000 entries, which are all there", async () => {
    const entry = JSON.stringify({ name: "a", type: "FILE_TYPE_FILE", path: "/a", size: "5" });
    const script = answering(
      JSON_TYPE,
      '{"entries":[',
      ...times(50, `${entry},`.repeat(1000)),
      `${entry}]}`,
    );
    await using it = await scriptedSandbox(script);
    const work = it.sandbox.files.list("/");
    expect(await turnsDuring(work)).toBeGreaterThan(20);
    const listed = await work;
    expect(listed).toHaveLength(50_001);
    expect(listed.at(-1)).toMatchObject({ name: "a", path: "/a", size: 5, type: "file" });
  });

  test("a picture of 32 MiB, whole, and 300 000 messages", async () => {
    const end = '{"type":"end_of_execution"}\n';
    const big = answering(
      {},
      '{"type":"result","png":"',
      ...times(512, "A".repeat(65_536)),
      `"}\n${end}`,
    );
    await using it = await scriptedSandbox(big);
    const { results } = await it.sandbox.runCode("x");
    expect(results[0]?.png).toBe("A".repeat(2 ** 25));
    const many = answering({}, ...times(300, '{"type":"x"}\n'.repeat(1000)), end);
    await using other = await scriptedSandbox(many);
    expect(await turnsDuring(other.sandbox.runCode("x"))).toBeGreaterThan(20);
  });

  test("100 000 empty events", async () => {
    const empty = Buffer.concat(Array<Buffer>(1000).fill(envelope("{}")));
    const script = answering(
      STREAM_TYPE,
      envelope('{"event":{"start":{"pid":7}}}'),
      ...Array<Buffer>(100).fill(empty),
      envelope('{"event":{"end":{"exited":true}}}'),
    );
    await using it = await scriptedSandbox(script);
    const work = it.sandbox.commands.run("x");
    expect(await turnsDuring(work)).toBeGreaterThan(20);
    expect(await work).toMatchObject({ exitCode: 0 });
  });
});

describe("a body that does not come", () => {
  const head = { "Content-Length": "1000000" };
  const silent: Script = (_request, response) => {
    response.writeHead(200, head).write("some");
  };
  const slow: Script = (_request, response) => {
    response.writeHead(200, head);
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  };
  for (const [name, script] of Object.entries({ silent, slow })) {
    test(`${name}: timeout`, async () => {
      await using it = await scriptedSandbox(script);
      const options = { requestTimeoutMs: 500 };
      await expect(it.sandbox.files.read("x", options)).rejects.toMatchObject({ code: "timeout" });
    });
  }
  test("a stream waits for the sandbox so long, and for its reader as long as it likes", async () => {
    await using it = await scriptedSandbox(silent);
    const stream = await it.sandbox.files.read("x", { format: "stream", requestTimeoutMs: 500 });
    const reader = stream.getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 700));
    await expect(reader.read()).rejects.toMatchObject({ code: "timeout" });
  });
});

test("a stream that nobody reads keeps about its bytes, however padded they came", async () => {
  const padded = `1;${"x".repeat(12_000)}\r\ny\r\n`;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const say = (): void => {
      while (!socket.destroyed && socket.write(padded.repeat(20)));
    };
    socket.on("drain", say).once("data", say);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dispatcher = new Agent();
  const connection = {
    sandboxId: "padded",
    endpoint: () => ({ origin, headers: {}, dispatcher }),
    gone: () => undefined,
  };
  const provider = {
    capabilities: {},
    create: async () => connection,
  } as unknown as SandboxProvider;
  const sandbox = await Sandbox.create({ provider });
  const before = process.memoryUsage().arrayBuffers;
  const stream = await sandbox.files.read("x", { format: "stream" });
  // Enough padding to be noticed.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await expect
    .poll(() => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before;
    })
    .toBeLessThan(32 * 1024 * 1024);
  await stream.cancel();
  await dispatcher.destroy();
  server.close();
});

test("gathered bytes keep no more than themselves", async () => {
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const gathered = new Gathered();
  for (let count = 0; count < 2000; count++)
    gathered.push(Buffer.alloc(65_536, count % 251).subarray(5, 6));
  // Freed memory is returned in the background.
  await expect
    .poll(() => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before;
    })
    .toBeLessThan(4 * 1024 * 1024);
  expect(gathered.take()).toEqual(
    Buffer.from(Array.from({ length: 2000 }, (_, index) => index % 251)),
  );
  expect(gathered.length).toBe(0);
});
