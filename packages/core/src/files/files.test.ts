import { describe, expect, test } from "vitest";
import { scriptedSandbox, type Script } from "../testing/scripted-sandbox.ts";

const status =
  (code: number, body: string): Script =>
  (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(code).end(body));
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

describe("writing", () => {
  test("many small files are one request", async () => {
    const bodies: string[] = [];
    await using it = await scriptedSandbox(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      bodies.push(body);
      const names = [...body.matchAll(/filename="(.*)"/g)].map(([, path]) => ({
        name: path,
        path,
        type: "file",
      }));
      response.end(JSON.stringify(names));
    });
    const files = Array.from({ length: 100 }, (_, index) => ({
      path: `/f${index}`,
      data: String(index),
    }));
    const written = await it.sandbox.files.write(files);
    expect(written.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    expect(bodies).toHaveLength(1);
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
