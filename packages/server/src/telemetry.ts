import type { IncomingMessage, ServerResponse } from "node:http";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** Follows a request to its end: a span if OpenTelemetry is set up, a measurement, and a line in the log. */
export function observe(
  kind: "control" | "sandbox",
  request: IncomingMessage,
  response: ServerResponse,
  { log, metrics }: { log: Logger; metrics: Metrics },
  work: () => void,
): void {
  const started = performance.now();
  const method = request.method ?? "";
  // Signatures and tokens may be in the query.
  const path = (request.url ?? "").split("?", 1)[0]!;
  const parent = propagation.extract(context.active(), request.headers);
  const span = trace
    .getTracer("@emberbox/server")
    .startSpan(
      `${method} ${kind}`,
      { kind: SpanKind.SERVER, attributes: { "http.request.method": method, "url.path": path } },
      parent,
    );
  const sandboxId = request.headers["e2b-sandbox-id"];
  if (typeof sandboxId === "string") span.setAttribute("emberbox.sandbox.id", sandboxId);
  response.once("close", () => {
    const ms = performance.now() - started;
    const status = response.statusCode;
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    metrics.request(kind, method, status, ms / 1000);
    log.debug({ kind, method, path, status, ms: Math.round(ms) }, "request");
  });
  context.with(trace.setSpan(parent, span), work);
}
