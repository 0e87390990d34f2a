import type * as OpenTelemetry from "@opentelemetry/api";
import { loadOptional } from "./optional-package.ts";

/** Where version 1 of OpenTelemetry's API keeps what the program has set up. */
const SET_UP = Symbol.for("opentelemetry.js.api.1");

let api: { readonly loaded: typeof OpenTelemetry | undefined } | undefined;

/** OpenTelemetry's API if the program has set up a tracer, and looked for no sooner. */
function tracing(): typeof OpenTelemetry | undefined {
  const { [SET_UP]: setUp } = globalThis as { [SET_UP]?: { readonly trace?: unknown } };
  if (setUp?.trace === undefined) return undefined;
  api ??= { loaded: loadOptional("@opentelemetry/api") as typeof OpenTelemetry | undefined };
  return api.loaded;
}

/** A tool that a model called. */
export interface ToolSpan {
  /** As the model calls it. */
  readonly tool: string;
  readonly toolCallId?: string | undefined;
  readonly threadId?: string | undefined;
  readonly adapter?: string | undefined;
}

/** What is known in the end. */
export interface ToolSpanEnd {
  readonly sandboxId?: string | undefined;
  /** A code of `EmberboxError`, if the call failed with one. */
  readonly errorCode?: string | undefined;
  readonly isError?: boolean | undefined;
  readonly exitCode?: number | undefined;
}

/**
 * Does the work of a tool in a span, as OpenTelemetry's conventions for generative AI have it; spans that begin within
 * are below it. Without a tracer, it only does the work.
 */
export async function inToolSpan<Result>(
  { tool, toolCallId, threadId, adapter }: ToolSpan,
  work: () => Promise<Result>,
  describe: (result: Result) => ToolSpanEnd,
): Promise<Result> {
  const telemetry = tracing();
  if (telemetry === undefined) return work();
  const attributes = defined({
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": tool,
    "gen_ai.tool.type": "function",
    "gen_ai.tool.call.id": toolCallId,
    "gen_ai.conversation.id": threadId,
    "emberbox.adapter": adapter,
  });
  const tracer = telemetry.trace.getTracer("@emberbox/core");
  return tracer.startActiveSpan(`execute_tool ${tool}`, { attributes }, async (span) => {
    const fail = (type: string): void => {
      span.setAttribute("error.type", type);
      span.setStatus({ code: telemetry.SpanStatusCode.ERROR });
    };
    try {
      const result = await work();
      const { sandboxId, errorCode, isError, exitCode } = describe(result);
      span.setAttributes(
        defined({ "emberbox.sandbox.id": sandboxId, "emberbox.exit_code": exitCode }),
      );
      if (errorCode !== undefined || isError) fail(errorCode ?? "tool_error");
      return result;
    } catch (error) {
      fail(error instanceof Error ? error.name : "thrown");
      throw error;
    } finally {
      span.end();
    }
  });
}

const defined = (
  of: Record<string, string | number | undefined>,
): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(of).filter(
      (entry): entry is [string, string | number] => entry[1] !== undefined,
    ),
  );
