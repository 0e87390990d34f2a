import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";

const status =
  (code: number, body: string): Script =>
  (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(code).end(body));
  };

const envelope = (kind: number, content: string): Buffer => {
  const header = Buffer.of(kind, 0, 0, 0, 0);
  header.writeUInt32BE(Buffer.byteLength(content), 1);
  return Buffer.concat([header, Buffer.from(content)]);
};
/** Answers a request for several with `answer`, and one for a file with its path. */
const together =
  (answer: Buffer | number, asked: string[]): Script =>
  (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url!, "http://sandbox");
      if (pathname !== "/emberbox/files/read") response.end(searchParams.get("path"));
      else if (typeof answer === "number") response.writeHead(answer).end();
      else response.end(answer);
    });
  };

const answerTo = (response: ServerResponse, written: string[]): void => {
  const infos = written.map((path) => ({ name: path, path, type: "file" }));
  response.end(JSON.stringify(infos));
};

describe("refusals", () => {
  const refusals: [status: number, code: string][] = [
    [400, "invalid_argument"],
    [401, "unauthorized"],
    [403, "permission_denied"],
    [404, "file_not_found"],
    [413, "file_too_large"],
    [429, "rate_limited"],
    [502, "sandbox_closed"],
    [507, "disk_full"],
    [500, "protocol_error"],
  ];
  for (const [number, code] of refusals) {
    test(`status ${number}: ${code}`, async () => {
      await using it = await scriptedSandbox(status(number, `{"code":${number},"message":"why"}`));
      await expect(it.sandbox.files.read("x")).rejects.toMatchObject({ code, message: "why" });
      await expect(it.sandbox.files.write("x", "y")).rejects.toMatchObject({
        code,
        message: "why",
      });
    });
  }
});

describe("reading", () => {
  test("more than fits into memory is refused before it is read", async () => {
    await using it = await scriptedSandbox((_request, response) => {
      response.writeHead(200, { "Content-Length": String(600 * 1024 * 1024) });
      response.write("x");
    });
    await expect(it.sandbox.files.read("x")).rejects.toMatchObject({ code: "file_too_large" });
  });

  test("a stream that is let go of ends the request", async () => {
    const closed = Promise.withResolvers<void>();
    await using it = await scriptedSandbox((_request, response) => {
      response.on("close", () => closed.resolve());
      response.write("some");
    });
    const stream = await it.sandbox.files.read("x", { format: "stream" });
    for await (const chunk of stream) {
      expect(Buffer.from(chunk).toString()).toBe("some");
      break;
    }
    await closed.promise;
  });

  test("a stream ends with the signal's reason", async () => {
    await using it = await scriptedSandbox((_request, response) => void response.write("some"));
    const controller = new AbortController();
    const stream = await it.sandbox.files.read("x", {
      format: "stream",
      signal: controller.signal,
    });
    const reader = stream.getReader();
    await reader.read();
    controller.abort("stop");
    await expect(reader.read()).rejects.toBe("stop");
  });
});

describe("reading several", () => {
  test("is one request, but for long files", async () => {
    const asked: string[] = [];
    const answer = Buffer.concat([envelope(0, "a"), envelope(1, ""), envelope(0, "")]);
    await using it = await scriptedSandbox(together(answer, asked));
    expect(await it.sandbox.files.read(["x", "y", "z"], { user: "root" })).toEqual(["a", "y", ""]);
    expect(asked).toEqual([
      "POST /emberbox/files/read?username=root",
      "GET /files?path=y&username=root",
    ]);
  });

  test.each([404, 405])("is a request each where there is no other way: %i", async (code) => {
    const asked: string[] = [];
    await using it = await scriptedSandbox(together(code, asked));
    const paths = Array.from({ length: 600 }, (_, index) => `/${index}`);
    for (const format of ["text", "bytes"] as const)
      expect((await it.sandbox.files.read(paths, { format } as never)).map(String)).toEqual(
        format === "text" ? paths : paths.map((path) => String(new TextEncoder().encode(path))),
      );
    expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(1);
  });

  test("none is read if one cannot be", async () => {
    const error = envelope(2, '{"code":403,"message":"why"}');
    await using it = await scriptedSandbox(together(Buffer.concat([envelope(0, "a"), error]), []));
    await expect(it.sandbox.files.read(["x", "y", "z"])).rejects.toMatchObject({
      code: "permission_denied",
      message: "why",
    });
  });

  test.each([
    ["no answer", Buffer.alloc(0)],
    ["half a header", Buffer.alloc(4)],
    ["a length that lies", Buffer.of(0, 255, 255, 255, 255, 1)],
    ["too few", envelope(0, "a")],
    ["an unknown kind", envelope(9, "a")],
    ["an error that says nothing", envelope(2, "[]")],
    ["more than was asked for", Buffer.alloc(1_000_000)],
  ])("%s breaks the protocol", async (_what, answer) => {
    await using it = await scriptedSandbox(together(answer, []));
    await expect(it.sandbox.files.read(["x", "y"])).rejects.toMatchObject({
      code: "protocol_error",
    });
  });

  test("no path, no request; and other formats are refused", async () => {
    const asked: string[] = [];
    await using it = await scriptedSandbox(together(500, asked));
    expect(await it.sandbox.files.read([])).toEqual([]);
    await expect(it.sandbox.files.read(["x"], { format: "stream" } as never)).rejects.toMatchObject(
      { code: "invalid_argument" },
    );
    await expect(it.sandbox.files.read(["x", "../y"])).rejects.toMatchObject({
      code: "invalid_path",
    });
    expect(asked).toEqual([]);
  });
});

describe("writing", () => {
  const files = Array.from({ length: 100 }, (_, index) => ({
    path: index === 50 ? 'awkward"' : `/f${index}`,
    data: String(index),
  }));
  const paths = files.map(({ path }) => path);
  test("many small files are one request", async () => {
    const asked: string[] = [];
    await using it = await scriptedSandbox(async (request, response) => {
      asked.push(request.url!);
      let body = Buffer.concat((await request.toArray()) as Buffer[]);
      const written: string[] = [];
      while (body.length > 0) {
        const content = 6 + body.readUInt16BE(0);
        const end = content + body.readUInt32BE(2);
        written.push(body.toString("utf8", 6, content));
        expect(body.toString("utf8", content, end)).toBe(String(written.length - 1));
        body = body.subarray(end);
      }
      answerTo(response, written);
    });
    const written = await it.sandbox.files.write(files, { user: "root" });
    expect(written.map(({ path }) => path)).toEqual(paths);
    expect(asked).toEqual(["/emberbox/files/write?username=root"]);
  });

  test("or are forms, where there is no other way", async () => {
    const asked: string[] = [];
    await using it = await scriptedSandbox(async (request, response) => {
      const url = new URL(request.url!, "http://sandbox");
      asked.push(url.pathname);
      const body = Buffer.concat((await request.toArray()) as Buffer[]).toString();
      if (url.pathname !== "/files") return void response.writeHead(404).end();
      const one = url.searchParams.get("path");
      const all = [...body.matchAll(/filename="(.*)"/g)].map(([, path]) => path!);
      answerTo(response, one === null ? all : [one]);
    });
    for (let round = 0; round < 2; round++)
      expect((await it.sandbox.files.write(files)).map(({ path }) => path)).toEqual(paths);
    const forms = ["/files", "/files", "/files"];
    expect(asked).toEqual(["/emberbox/files/write", ...forms, ...forms]);
  });

  test("the caller's stream fails: so does the call, with its error", async () => {
    await using it = await scriptedSandbox(status(200, "[]"));
    const mine = new Error("mine");
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(mine) });
    await expect(it.sandbox.files.write("x", stream)).rejects.toBe(mine);
  });

  test("an abort cancels the caller's stream", async () => {
    await using it = await scriptedSandbox((request) => void request.resume());
    const cancelled = Promise.withResolvers<unknown>();
    const stream = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => {}),
      cancel: cancelled.resolve,
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort("stop"), 100);
    await expect(it.sandbox.files.write("x", stream, { signal: controller.signal })).rejects.toBe(
      "stop",
    );
    expect(await cancelled.promise).toBe("stop");
  });
});
