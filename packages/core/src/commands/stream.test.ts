import { describe, expect, test } from "vitest";
import { scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";

function envelope(flags: number, message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(5);
  header[0] = flags;
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

const start = envelope(0, { event: { start: { pid: 7 } } });
const printed = (text: string | Buffer): Buffer =>
  envelope(0, { event: { data: { stdout: Buffer.from(text).toString("base64") } } });

function stream(...parts: readonly Buffer[]): Script {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/connect+json" });
    response.end(Buffer.concat(parts));
  };
}

const huge = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
const finish = (message: object): Buffer => envelope(2, message);
const refuse = (code: string, message: string): Buffer => finish({ error: { code, message } });

describe("a command's answer", () => {
  test("characters may be cut anywhere", async () => {
    const bytes = Buffer.from("é€😀");
    const parts = [...bytes].map((byte) => printed(Buffer.from([byte])));
    const end = envelope(0, { event: { end: { exited: true, status: "exit status 0" } } });
    await using it = await scriptedSandbox(stream(start, ...parts, end, finish({})));
    const pieces: string[] = [];
    const result = await it.sandbox.commands.run("x", { onStdout: (piece) => pieces.push(piece) });
    expect(result).toEqual({ exitCode: 0, stdout: "é€😀", stderr: "" });
    expect(pieces).toEqual(["é", "€", "😀"]);
  });

  const failing: Record<string, { script: Script; code: string }> = {
    "no start": { script: stream(printed("a")), code: "protocol_error" },
    "no end": { script: stream(start, printed("a"), finish({})), code: "connection_failed" },
    "an envelope of 4 GiB": { script: stream(start, printed("a"), huge), code: "protocol_error" },
    "a stream cut in an envelope": {
      script: stream(start, printed("a"), huge.subarray(0, 3)),
      code: "connection_failed",
    },
    "a message that is not JSON": {
      script: stream(start, Buffer.from([0, 0, 0, 0, 1, 0x78])),
      code: "protocol_error",
    },
    "the guest's time limit": {
      script: stream(start, printed("a"), refuse("deadline_exceeded", "late")),
      code: "timeout",
    },
    "a shortage of memory": {
      script: stream(
        start,
        envelope(0, { event: { end: { exitCode: -1, reason: "out_of_memory", limitMb: 512 } } }),
      ),
      code: "out_of_memory",
    },
    "a refused directory": {
      script: stream(refuse("invalid_argument", "cwd")),
      code: "invalid_argument",
    },
    "a status that says the sandbox is gone": {
      script: (_request, response) => void response.writeHead(502).end('{"code":502}'),
      code: "connection_failed",
    },
  };
  for (const [name, { script, code }] of Object.entries(failing)) {
    test(`${name}: ${code}`, async () => {
      await using it = await scriptedSandbox(script);
      await expect(it.sandbox.commands.run("x")).rejects.toMatchObject({ code });
    });
  }

  test("an error holds the output so far", async () => {
    await using it = await scriptedSandbox(
      stream(start, printed("so far"), refuse("deadline_exceeded", "late")),
    );
    await expect(it.sandbox.commands.run("x")).rejects.toMatchObject({
      details: { stdout: "so far", stderr: "" },
    });
  });
});

describe("an abort", () => {
  test("before the start is known kills the process when it is", async () => {
    const killed = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await using it = await scriptedSandbox(async (request, response) => {
      if (request.url?.endsWith("/SendSignal")) {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        killed.resolve(body);
        return void response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
      }
      asked.resolve();
      await go.promise;
      response.writeHead(200, { "Content-Type": "application/connect+json" });
      response.write(start);
    });
    const controller = new AbortController();
    const running = it.sandbox.commands.run("x", { signal: controller.signal });
    await asked.promise;
    controller.abort("stop");
    await expect(running).rejects.toBe("stop");
    go.resolve();
    expect(JSON.parse(await killed.promise)).toEqual({
      process: { pid: 7 },
      signal: "SIGNAL_SIGKILL",
    });
  });
});
