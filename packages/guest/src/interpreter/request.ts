import type { IncomingMessage, ServerResponse } from "node:http";
import type { ExecutionRequest } from "./execution.ts";

const MAX_CODE_BYTES = 16 * 1024 * 1024;
/** Code gets longer when encoded as JSON. */
const MAX_BODY_BYTES = 3 * MAX_CODE_BYTES;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A request that cannot be served, and the answer that says so. */
export class HttpProblem extends Error {
  readonly status: number;
  /** Answered as plain text, as E2B does in some cases. */
  readonly plain: boolean;

  constructor(status: number, message: string, plain = false) {
    super(message);
    this.status = status;
    this.plain = plain;
  }
}

export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = await readText(request);
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, "The request's body is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpProblem(400, "The request's body is not a JSON object.");
  }
  return value as Record<string, unknown>;
}

/** Uses events: iterating over a request costs milliseconds where V8 may not compile. */
function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.on("end", () => {
      if (size > MAX_BODY_BYTES) {
        reject(new HttpProblem(400, `The request is over the limit of ${MAX_BODY_BYTES} bytes.`));
      } else {
        resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString());
      }
    });
    request.on("error", reject);
  });
}

export function executionRequest(body: Record<string, unknown>): ExecutionRequest {
  const { code } = body;
  if (typeof code !== "string") throw new HttpProblem(400, "`code` has to be a string.");
  if (code.length > MAX_CODE_BYTES || Buffer.byteLength(code) > MAX_CODE_BYTES) {
    throw new HttpProblem(
      400,
      `The code is over the limit of ${MAX_CODE_BYTES} bytes. Write it to a file, and run that.`,
    );
  }
  const timeoutMs = body["timeout_ms"] ?? 0;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0))
    throw new HttpProblem(400, "`timeout_ms` has to be a number of milliseconds.");
  return {
    code,
    envs: variables(body["env_vars"]),
    timeoutMs: Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS),
    reportFiles: body["report_files"] === true,
  };
}

function variables(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value))
    throw new HttpProblem(400, "`env_vars` has to be an object of strings.");
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0) return undefined;
  for (const [name, text] of entries) {
    if (name === "" || /[=\0]/.test(name))
      throw new HttpProblem(
        400,
        `\`env_vars\` has a name that no variable can have: ${JSON.stringify(name)}.`,
      );
    if (typeof text !== "string" || text.includes("\0"))
      throw new HttpProblem(400, `The variable ${name} has to be a string without NUL.`);
  }
  return value as Record<string, string>;
}

/** A string field, if there is one. */
export function optionalString(body: Record<string, unknown>, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new HttpProblem(400, `\`${name}\` has to be a string.`);
  if (value.length > 4096 || value.includes("\0"))
    throw new HttpProblem(400, `\`${name}\` is too long, or has a NUL in it.`);
  return value;
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

export function sendProblem(response: ServerResponse, error: unknown): void {
  const problem =
    error instanceof HttpProblem
      ? error
      : new HttpProblem(500, `The agent failed: ${(error as Error).message}`);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (problem.plain)
    response.writeHead(problem.status, { "Content-Type": "text/plain" }).end(problem.message);
  else sendJson(response, problem.status, { code: problem.status, message: problem.message });
}
