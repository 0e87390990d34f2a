import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import {
  type FieldsOf,
  parseArgument,
  parseOptions,
  requestFields,
  requestOptions,
  text,
  type RequestOptions,
  user,
} from "../options.ts";
import { segment } from "../wire/segment.ts";
import { INTERPRETER_PORT, userPath } from "../envd.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call, type HttpRequest } from "../wire/call.ts";
import { readDocument } from "../wire/document.ts";
import { interpreterError } from "./interpreter-error.ts";
import { languageName } from "./language-names.ts";

/** A namespace with an interpreter process of its own. */
export interface CodeContext {
  readonly id: string;
  readonly language: string;
  /** The directory in which its code starts. */
  readonly cwd: string;
  /** Who runs its code, where the service says so. */
  readonly user?: string | undefined;
}

/** The language, directory and user of a new context. */
export interface CreateCodeContextOptions extends RequestOptions {
  /** How long the interpreter may take to start, in milliseconds; 0 for no limit. @default 300_000 */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * As for `runCode`.
   * @default what the template says; python in most
   */
  readonly language?: string | undefined;
  /** @default the home directory of the sandbox's user, also for other users */
  readonly cwd?: string | undefined;
  /** As for `runCode`. @default the sandbox's user, or whom its service has chosen */
  readonly user?: string | undefined;
}

/** Starting an interpreter takes longer than other requests: a minute and more on a busy machine without KVM. */
const START_TIMEOUT_MS = 300_000;
const ANSWER_LIMITS = { values: 10_000, bytes: 1024 * 1024 };
const contextSchema = z.object({
  id: z.string(),
  language: z.string(),
  cwd: z.string(),
  user: z.string().optional(),
});
const createSchema = z.strictObject({
  ...requestFields,
  language: text,
  cwd: text,
  user,
} satisfies FieldsOf<CreateCodeContextOptions>);
const description = "a code context or its id";

export const contextReference: z.ZodOptional<z.ZodCustom<CodeContext | string>> = z
  .custom<CodeContext | string>(isReference)
  .optional()
  .describe(description);
const requiredReference = z.custom<CodeContext | string>(isReference).describe(description);

export function contextId(context: CodeContext | string | undefined): string | undefined {
  return typeof context === "object" ? context.id : context;
}

export async function createCodeContext(
  connection: SandboxConnection,
  options?: CreateCodeContextOptions,
): Promise<CodeContext> {
  const { language, cwd, user, ...request } = parseOptions(createSchema, options);
  const name = language === undefined ? undefined : languageName(language);
  const body = JSON.stringify({ language: name, cwd });
  const path = user === undefined ? "/contexts" : userPath(segment(user), "/contexts");
  const made = await exchange(
    connection,
    untilStarted(request),
    { method: "POST", path, body },
    user,
  );
  return contextFrom(made);
}

export async function listCodeContexts(
  connection: SandboxConnection,
  options?: RequestOptions,
): Promise<CodeContext[]> {
  const request = parseOptions(requestOptions, options);
  const listed = await exchange(connection, request, { method: "GET", path: "/contexts" });
  if (!Array.isArray(listed)) throw unexpected();
  return listed.map(contextFrom);
}

export async function removeCodeContext(
  connection: SandboxConnection,
  context: CodeContext | string,
  options?: RequestOptions,
): Promise<void> {
  const request = parseOptions(requestOptions, options);
  await exchange(connection, request, { method: "DELETE", path: contextPath(context) });
}

/**
 * Restarts the context's interpreter: its variables are lost, its id stays. `requestTimeoutMs` is as for a new context.
 */
export async function restartCodeContext(
  connection: SandboxConnection,
  context: CodeContext | string,
  options?: RequestOptions,
): Promise<void> {
  const request = parseOptions(requestOptions, options);
  await exchange(connection, untilStarted(request), {
    method: "POST",
    path: `${contextPath(context)}/restart`,
  });
}

async function exchange(
  connection: SandboxConnection,
  options: RequestOptions,
  request: HttpRequest,
  user?: string,
): Promise<unknown> {
  const call = new Call(connection, options);
  const headers = request.body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await call.begin(async () => {
      const response = await call.send(INTERPRETER_PORT, { ...request, headers });
      if (response.statusCode >= 300) throw await interpreterError(response, user);
      return await readDocument(response.body, ANSWER_LIMITS).catch(orNothing);
    });
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

function untilStarted(request: RequestOptions): RequestOptions {
  return { ...request, requestTimeoutMs: request.requestTimeoutMs ?? START_TIMEOUT_MS };
}

/** Passes over answers that are not JSON: nothing in them is needed. */
function orNothing(error: EmberboxError): undefined {
  if (!(error.cause instanceof SyntaxError)) throw error;
}

function contextFrom(value: unknown): CodeContext {
  const parsed = contextSchema.safeParse(value);
  if (!parsed.success) throw unexpected();
  return parsed.data;
}

function contextPath(context: CodeContext | string): string {
  const checked = parseArgument(requiredReference, "context", context);
  return `/contexts/${segment(contextId(checked) ?? "")}`;
}

function isReference(value: unknown): boolean {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : value;
  return typeof id === "string" && id !== "";
}

function unexpected(): EmberboxError {
  return new EmberboxError(
    "protocol_error",
    "The sandbox's answer about code contexts is not what was expected",
  );
}
