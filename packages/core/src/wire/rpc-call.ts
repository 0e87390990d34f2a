import { Code, ConnectError, type CallOptions } from "@connectrpc/connect";
import type { ErrorCode } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";
import type { RequestOptions } from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call } from "./call.ts";
import { userHeaders } from "./rpc.ts";

const codes: Readonly<Partial<Record<Code, ErrorCode>>> = {
  [Code.InvalidArgument]: "invalid_argument",
  [Code.FailedPrecondition]: "invalid_argument",
  [Code.DeadlineExceeded]: "timeout",
  [Code.AlreadyExists]: "file_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "rate_limited",
  [Code.Unimplemented]: "unsupported",
  [Code.Unavailable]: "connection_failed",
  [Code.Canceled]: "connection_failed",
  [Code.Unauthenticated]: "unauthorized",
  [Code.DataLoss]: "events_lost",
};

export interface RpcOptions extends RequestOptions {
  readonly user?: string | undefined;
}

/** Makes one call with a single answer. `notFound` is the code to use when something is missing. */
export async function callRpc<Answer>(
  connection: SandboxConnection,
  options: RpcOptions,
  notFound: ErrorCode,
  send: (options: CallOptions) => Promise<Answer>,
): Promise<Answer> {
  const call = new Call(connection, options);
  try {
    call.throwIfGone();
    return await call.begin(() =>
      send({ signal: call.signal, headers: userHeaders(options.user) }),
    );
  } catch (error) {
    throw await call.failure(rpcError(error, notFound));
  } finally {
    call[Symbol.dispose]();
  }
}

/** Translates errors of the RPC library. */
export function rpcError(error: unknown, notFound: ErrorCode): unknown {
  if (!(error instanceof ConnectError)) return error;
  // One of our errors, which the library wrapped on its way through the body.
  if (EmberboxError.isInstance(error.cause)) return error.cause;
  return new EmberboxError(codeOf(error, notFound), error.rawMessage, { cause: error });
}

function codeOf(error: ConnectError, notFound: ErrorCode): ErrorCode {
  const { code, cause, rawMessage: message } = error;
  if (isNetworkError(cause) || /incomplete envelope|missing EndStreamResponse/.test(message))
    return "connection_failed";
  if (cause !== undefined || message.startsWith("protocol error")) return "protocol_error";
  if (code === Code.NotFound) return notFound;
  if (/invalid username/.test(message)) return "invalid_argument";
  if (/disk space/.test(message)) return "disk_full";
  return codes[code] ?? "protocol_error";
}

/** Errors of sockets and the HTTP client have a string as their code; those of parsers have none. */
function isNetworkError(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string";
}
