import type * as OpenTelemetry from "@opentelemetry/api";
import { EmberboxError } from "./errors.ts";
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

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** What is known of a span's work in the end. */
interface SpanEnd {
  readonly attributes?: Attributes;
  /** What kind of failure it was, though nothing was thrown. */
  readonly errorType?: string | undefined;
}

/**
 * Does the work of a tool in a span, as OpenTelemetry's conventions for generative AI have it; spans that begin within
 * are below it. Without a tracer, it only does the work.
 */
export function inToolSpan<Result>(
  { tool, toolCallId, threadId, adapter }: ToolSpan,
  work: () => Promise<Result>,
  describe: (result: Result) => ToolSpanEnd,
): Promise<Result> {
  const attributes = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": tool,
    "gen_ai.tool.type": "function",
    "gen_ai.tool.call.id": toolCallId,
    "gen_ai.conversation.id": threadId,
    "emberbox.adapter": adapter,
  };
  return inSpan(`execute_tool ${tool}`, attributes, work, (result) => {
    const { sandboxId, errorCode, isError, exitCode } = describe(result);
    return {
      attributes: { "emberbox.sandbox.id": sandboxId, "emberbox.exit_code": exitCode },
      errorType: errorCode ?? (isError ? "tool_error" : undefined),
    };
  });
}

/** Does what is asked of a sandbox in a span, in which there is no content. Without a tracer, it only does it. */
export function inSandboxSpan<Result>(
  name: string,
  sandboxId: string,
  work: () => Promise<Result>,
  more: {
    readonly attributes?: Attributes;
    readonly describe?: (result: Result) => Attributes;
  } = {},
): Promise<Result> {
  const attributes = { "emberbox.sandbox.id": sandboxId, ...more.attributes };
  return inSpan(name, attributes, work, (result) => ({
    attributes: more.describe?.(result) ?? {},
  }));
}

/** Does work in a span, below the one that is active. Without a tracer, it only does the work. */
export function inSpan<Result>(
  name: string,
  attributes: Attributes,
  work: () => Promise<Result>,
  describe: (result: Result) => SpanEnd,
): Promise<Result> {
  const telemetry = tracing();
  if (telemetry === undefined) return work();
  const tracer = telemetry.trace.getTracer("@emberbox/core");
  return tracer.startActiveSpan(name, { attributes: defined(attributes) }, async (span) => {
    const fail = (type: string): void => {
      span.setAttribute("error.type", type);
      span.setStatus({ code: telemetry.SpanStatusCode.ERROR });
    };
    try {
      const result = await work();
      const { attributes: known = {}, errorType } = describe(result);
      span.setAttributes(defined(known));
      if (errorType !== undefined) fail(errorType);
      return result;
    } catch (error) {
      fail(typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

function typeOf(error: unknown): string {
  if (EmberboxError.isInstance(error)) return error.code;
  return error instanceof Error ? error.name : "thrown";
}

const defined = (of: Attributes): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(of).filter(
      (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
    ),
  );
