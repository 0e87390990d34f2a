import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { propagation, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { observe } from "./telemetry.ts";

test("a request is a span, a measurement and a line, without what its query holds", async () => {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  onTestFinished(() => {
    trace.disable();
    propagation.disable();
  });
  let logged = "";
  const log = pino(
    { level: "debug" },
    new Writable({ write: (chunk, _encoding, done) => done(void (logged += String(chunk))) }),
  );
  const measured: unknown[] = [];
  const metrics = { request: (...of: unknown[]) => void measured.push(of) } as never;
  const server = createServer((request, response) =>
    observe("sandbox", request, response, { log, metrics }, () =>
      response.writeHead(503).end("no"),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/files?signature=secret`, {
    headers: { "e2b-sandbox-id": "isome" },
  });
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(1);
  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({
    name: "GET sandbox",
    attributes: {
      "http.request.method": "GET",
      "url.path": "/files",
      "http.response.status_code": 503,
      "emberbox.sandbox.id": "isome",
    },
  });
  expect(measured).toEqual([["sandbox", "GET", 503, expect.any(Number)]]);
  expect(JSON.parse(logged)).toMatchObject({ path: "/files", status: 503 });
  expect(logged).not.toContain("secret");
});
