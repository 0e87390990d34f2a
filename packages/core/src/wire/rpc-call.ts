import { Code, ConnectError, type CallOptions } from "@connectrpc/connect";
import { EmberboxError, type ErrorCode } from "../errors.ts";
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
};

export interface RpcOptions extends RequestOptions {
  readonly user?: string | undefined;
}

/** Makes one call that answers with one message. `notFound` is what a missing thing is called here. */
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

/** Translates what the RPC library throws. */
export function rpcError(error: unknown, notFound: ErrorCode): unknown {
  if (!(error instanceof ConnectError)) return error;
  // An error of ours that the library wrapped on its way through the body.
  if (EmberboxError.isInstance(error.cause)) return error.cause;
  const message = error.rawMessage;
  if (error.code === Code.NotFound) return new EmberboxError(notFound, message, { cause: error });
  if (/invalid username/.test(message))
    return new EmberboxError("invalid_argument", message, { cause: error });
  if (/disk space/.test(message)) return new EmberboxError("disk_full", message, { cause: error });
  if (error.cause !== undefined)
    return new EmberboxError("connection_failed", describeCause(error), { cause: error });
  return new EmberboxError(codes[error.code] ?? "protocol_error", message, { cause: error });
}

function describeCause(error: ConnectError): string {
  const cause = error.cause instanceof Error ? error.cause.message : error.rawMessage;
  return `The connection to the sandbox failed: ${cause}`;
}
