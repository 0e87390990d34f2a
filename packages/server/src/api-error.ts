import { EmberboxError, errorCodes } from "@emberbox/core";

/** An answer with a failure status, in E2B's shape: `{"code": 404, "message": "..."}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface ErrorBody {
  readonly code: number;
  readonly message: string;
}

export function errorBody(error: ApiError): ErrorBody {
  return { code: error.status, message: error.message };
}

/** What the client is told about whatever was thrown. Of an error that is not ours, nothing is revealed. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (EmberboxError.isInstance(error)) {
    const { status } = errorCodes[error.code];
    const retryAfter = error.details["retryAfterSeconds"];
    return new ApiError(
      status,
      status < 500 ? error.message : `${error.message} (${error.code}: ${error.hint})`,
      typeof retryAfter === "number" ? retryAfter : status === 429 ? 1 : undefined,
    );
  }
  return new ApiError(500, "The server failed; its log says why");
}

export function sandboxNotFound(sandboxId: string): ApiError {
  return new ApiError(404, `Sandbox "${sandboxId}" doesn't exist or you don't have access to it`);
}

export function templateNotFound(name: string): ApiError {
  return new ApiError(404, `Template '${name}' not found`);
}

export function isUnknownTemplate(error: unknown): boolean {
  return EmberboxError.isInstance(error) && error.code === "unknown_template";
}

export function notImplemented(what: string): ApiError {
  return new ApiError(501, `unimplemented: ${what} is not available on this server`);
}
