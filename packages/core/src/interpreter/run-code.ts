import type { Dispatcher } from "undici";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import {
  callback,
  code as codeSchema,
  envs,
  type FieldsOf,
  milliseconds,
  parseArgument,
  parseOptions,
  requestFields,
  type RequestOptions,
  text,
  user,
} from "../options.ts";
import { INTERPRETER_PORT, userPath } from "../envd.ts";
import type { SandboxConnection } from "../provider.ts";
import { Budget } from "../wire/budget.ts";
import { Call } from "../wire/call.ts";
import { readNdjson } from "../wire/ndjson.ts";
import { segment } from "../wire/segment.ts";
import { isPromise, SAFETY_MS, TimeLimit } from "../wire/time-limit.ts";
import { ExecutionCollector, type ExecutionCallbacks } from "./collector.ts";
import { contextId, contextReference, type CodeContext } from "./contexts.ts";
import type { Execution } from "./execution.ts";
import { interpreterError } from "./interpreter-error.ts";
import { languageName } from "./language-names.ts";
import { inTurn } from "./turns.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/** Where and as whom code runs, for how long, and where its output goes. */
export interface RunCodeOptions extends RequestOptions, ExecutionCallbacks {
  /**
   * The language, in whose default context the code runs: `python`, `javascript`, `typescript`, `bash`, one of their
   * other names (such as `python3`, `js`, `node`, `ts`, `sh`, `shell`), or any other that the sandbox has. Excludes
   * `context`.
   * @default what the template says; python in most
   */
  readonly language?: string | undefined;
  /** The context to run in, or its id. Excludes `language` and `user`. */
  readonly context?: CodeContext | string | undefined;
  /**
   * Who runs the code, such as `root`: each user has a default context for each language. Rejects with `unsupported`
   * where the sandbox's service knows no users, as E2B's does not. Excludes `context`.
   * @default the sandbox's user, or whom its service has chosen
   */
  readonly user?: string | undefined;
  /** Environment variables for this run only. */
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** How long the code may run, in milliseconds; 0 for no limit. @default 60_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * Reports the files that the code created or changed below its working directory, as `execution.files`. Hidden files
   * and `node_modules` are skipped, and at most 10 000 entries, 8 levels deep, are checked.
   * @default false
   */
  readonly reportFiles?: boolean | undefined;
}

const schema = z
  .strictObject({
    ...requestFields,
    language: text,
    context: contextReference,
    user,
    envs,
    timeoutMs: milliseconds,
    reportFiles: z.boolean().optional(),
    onStdout: callback<NonNullable<ExecutionCallbacks["onStdout"]>>(),
    onStderr: callback<NonNullable<ExecutionCallbacks["onStderr"]>>(),
    onResult: callback<NonNullable<ExecutionCallbacks["onResult"]>>(),
    onError: callback<NonNullable<ExecutionCallbacks["onError"]>>(),
  } satisfies FieldsOf<RunCodeOptions>)
  .refine(({ language, context }) => language === undefined || context === undefined, {
    message: "Give `language` or `context`, not both: a context has its language",
  })
  .refine(({ user, context }) => user === undefined || context === undefined, {
    message: "Give `user` or `context`, not both: a context has its user",
  });

/** Runs code and gathers its output and results. */
export async function runCode(
  connection: SandboxConnection,
  code: string,
  options: RunCodeOptions | undefined,
): Promise<Execution> {
  parseArgument(codeSchema, "code", code);
  const checked = parseOptions(schema, options);
  const timeoutMs = checked.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const call = new Call(connection, checked);
  const collector = new ExecutionCollector(checked);
  using limit = new TimeLimit(() => call.expire(timedOut(timeoutMs)));
  try {
    const context =
      contextId(checked.context) ??
      `language ${languageName(checked.language ?? "python")} ${checked.user ?? ""}`;
    const response = await call.begin(() =>
      inTurn(connection, call.signal, context, (sent) =>
        startExecution(call, code, checked, timeoutMs, sent),
      ),
    );
    const guestEnforces = response.headers["emberbox-deadline"] === "true";
    if (timeoutMs > 0) limit.start(guestEnforces ? timeoutMs + SAFETY_MS : timeoutMs);
    await call.race(pump(response, collector, call, limit, Budget.of(connection)));
    if (collector.failure !== undefined) throw collector.failure;
    return collector.execution();
  } catch (error) {
    throw await call.failure(error, () => ({ execution: collector.execution() }));
  } finally {
    call[Symbol.dispose]();
  }
}

async function startExecution(
  call: Call,
  code: string,
  options: RunCodeOptions,
  timeoutMs: number,
  onSent: () => void,
): Promise<Dispatcher.ResponseData> {
  const body = {
    code,
    context_id: contextId(options.context),
    language: options.language === undefined ? undefined : languageName(options.language),
    env_vars: options.envs,
    timeout_ms: timeoutMs > 0 ? timeoutMs : undefined,
    report_files: options.reportFiles || undefined,
  };
  const { user } = options;
  const response = await call.send(INTERPRETER_PORT, {
    method: "POST",
    path: user === undefined ? "/execute" : userPath(segment(user), "/execute"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    onSent,
  });
  if (response.statusCode !== 200) throw await interpreterError(response, user);
  return response;
}

/** Reads messages until the last one. Callbacks are awaited, so that a slow one slows the code down. */
async function pump(
  response: Dispatcher.ResponseData,
  collector: ExecutionCollector,
  call: Call,
  limit: TimeLimit,
  budget: Budget,
): Promise<void> {
  const body = response.body.iterator({ destroyOnReturn: false });
  for await (const lines of readNdjson(body, budget)) {
    for (const { message, cost } of lines) {
      try {
        const work = collector.accept(message, cost);
        if (isPromise(work)) await limit.hold(work);
      } catch (error) {
        call.abort(error);
      }
      call.signal.throwIfAborted();
      if (collector.ended) return finishBody(response);
    }
  }
  throw new EmberboxError("connection_failed", "The sandbox's answer ended before the code did");
}

/** Reads the rest of the body, so that the connection can be reused. */
function finishBody({ body }: Dispatcher.ResponseData): void {
  const signal = AbortSignal.timeout(SAFETY_MS);
  body.dump({ limit: 64 * 1024, signal }).catch(() => body.destroy());
}

function timedOut(timeoutMs: number): EmberboxError {
  return new EmberboxError(
    "timeout",
    `The code did not end within its time limit of ${timeoutMs} ms; it was told to stop`,
  );
}
