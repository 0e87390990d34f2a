import { setTimeout as delay } from "node:timers/promises";
import { request, type Dispatcher } from "undici/index.js";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { collect } from "../wire/body.ts";
import { apiError } from "./api-error.ts";
import type { Settings } from "./options.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
  /** Creates a machine or writes its memory, which may take minutes when it has to boot. */
  readonly isWork?: true;
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; `undefined` when the body is empty. */
  readonly body: unknown;
  readonly nextToken: string | undefined;
}

/** The control plane of an E2B-compatible service. */
export interface Api {
  /** @throws the error that the answer reports, unless its status is 2xx or listed in `accepted` */
  send(request: ApiRequest, accepted?: readonly number[]): Promise<ApiAnswer>;
  /** The same, for endpoints whose path differs between the two generations of the protocol. */
  sendEither(request: ApiRequest): Promise<ApiAnswer>;
}

const ANSWER_MS = 60_000;
const WORK_MS = 300_000;
const ANSWER_LIMIT = 16 * 1024 * 1024;
const FIRST_DELAY_MS = 200;
/** The longest delay that is honoured when a service asks for one. */
const LONGEST_DELAY_MS = 60_000;

/** Failures before the request was sent, so that a retry cannot do anything twice. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const passing = new Set([502, 503, 504]);

export function createApi(settings: Settings, dispatcher: Dispatcher): Api {
  let generation: 1 | 2 | undefined;
  const send: Api["send"] = async (wanted, accepted = []) => {
    const limit = settings.requestTimeoutMs ?? (wanted.isWork ? WORK_MS : ANSWER_MS);
    const late = limit === 0 ? undefined : AbortSignal.timeout(limit);
    const signal = AbortSignal.any([wanted.signal, late].filter((each) => each !== undefined));
    for (let attempt = 0; ; attempt++) {
      try {
        const { answer, retryAfterMs } = await sendOnce(settings, dispatcher, wanted, signal);
        if (answer.status < 300 || accepted.includes(answer.status)) return answer;
        const wait = waitFor(wanted, answer.status, retryAfterMs, attempt);
        if (wait === undefined || attempt >= settings.retries)
          throw apiError(answer.status, answer.body, retryAfterMs);
        await delay(wait, undefined, { signal });
      } catch (error) {
        wanted.signal?.throwIfAborted();
        if (late?.aborted) throw timeout(settings.apiUrl, limit);
        if (EmberboxError.isInstance(error)) throw error;
        const canRepeat = wanted.method === "GET" || neverSent.has(codeOf(error));
        if (!canRepeat || attempt >= settings.retries) throw unreachable(settings.apiUrl, error);
        await delay(FIRST_DELAY_MS * 2 ** attempt, undefined, { signal }).catch(() => {});
      }
    }
  };
  return {
    send,
    async sendEither(wanted) {
      if (generation === 1) return send(wanted);
      const newer = { ...wanted, path: `/v2${wanted.path}` };
      const answer = await send(newer, generation === 2 ? [] : [404, 405]);
      if (answer.status < 300) {
        generation = 2;
        return answer;
      }
      // Either the service does not know the path, or the named thing does not exist: nothing has been done yet.
      const older = await send(wanted);
      generation = 1;
      return older;
    },
  };
}

async function sendOnce(
  settings: Settings,
  dispatcher: Dispatcher,
  { method, path, query, body }: ApiRequest,
  signal: AbortSignal,
): Promise<{ answer: ApiAnswer; retryAfterMs: number | undefined }> {
  const url = new URL(settings.apiUrl + path);
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) url.searchParams.set(name, value);
  const response = await request(url, {
    dispatcher,
    method,
    headers: {
      "x-api-key": settings.apiKey,
      accept: "application/json",
      "user-agent": "emberbox",
      ...(body && { "content-type": "application/json" }),
    },
    body: body ? JSON.stringify(body) : null,
    signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const bytes = await collect(response.body, ANSWER_LIMIT);
  const retryAfter = String(response.headers["retry-after"] ?? "");
  return {
    answer: {
      status: response.statusCode,
      body: parseBody(bytes, response.statusCode),
      nextToken: header(response.headers["x-next-token"]),
    },
    retryAfterMs: /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined,
  };
}

/** How long to wait before trying again, in milliseconds; `undefined` when the failure is final. */
function waitFor(
  { method }: ApiRequest,
  status: number,
  retryAfterMs: number | undefined,
  attempt: number,
): number | undefined {
  if (status === 429 && retryAfterMs !== undefined && retryAfterMs <= LONGEST_DELAY_MS)
    return retryAfterMs;
  return method === "GET" && passing.has(status) ? FIRST_DELAY_MS * 2 ** attempt : undefined;
}

/** A failure may have any body; a success has JSON or nothing. */
function parseBody(bytes: Buffer, status: number): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    if (status >= 300) return bytes.toString("utf8", 0, 1000);
    throw new EmberboxError("protocol_error", "The service's answer is not JSON", { cause });
  }
}

/** Checks an answer. @throws `protocol_error` */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new EmberboxError("protocol_error", "The service's answer is not what was expected", {
    cause: parsed.error,
  });
}

function header(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function timeout(apiUrl: string, limit: number): EmberboxError {
  return new EmberboxError("timeout", `${apiUrl} did not answer within ${limit} ms`, {
    hint: "Raise `requestTimeoutMs` of `e2b()`, or try again.",
  });
}

function unreachable(apiUrl: string, cause: unknown): EmberboxError {
  const message = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new EmberboxError("connection_failed", `${apiUrl} could not be reached: ${message}`, {
    cause,
    hint: "Check `apiUrl` (E2B_API_URL) and `domain` (E2B_DOMAIN), and whether the service runs.",
  });
}
