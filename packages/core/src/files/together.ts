import type { Dispatcher } from "undici";
import { ENVD_PORT } from "../envd.ts";
import type { SandboxConnection } from "../provider.ts";
import type { Call, HttpRequest } from "../wire/call.ts";
import { httpError } from "../wire/http-error.ts";
import { userHeaders } from "../wire/rpc.ts";

/** Connections to sandboxes without these requests, such as E2B's. */
const without = new WeakSet<SandboxConnection>();

/** A request for many files, which are cheaper together. */
export interface TogetherRequest extends Pick<HttpRequest, "headers" | "body"> {
  readonly user: string | undefined;
}

/** Sends a request for many files at once; resolves to nothing where sandboxes know no such requests. */
export async function sendTogether(
  connection: SandboxConnection,
  call: Call,
  what: "read" | "write",
  { user, headers, body }: TogetherRequest,
): Promise<Dispatcher.ResponseData | undefined> {
  if (without.has(connection)) return undefined;
  const answer = await call.send(ENVD_PORT, {
    method: "POST",
    path: `/emberbox/files/${what}${user === undefined ? "" : `?username=${user}`}`,
    headers: { ...headers, ...userHeaders(user) },
    body,
  });
  if (answer.statusCode === 200) return answer;
  if (answer.statusCode !== 404 && answer.statusCode !== 405) throw await httpError(answer);
  without.add(connection);
  await answer.body.dump();
  return undefined;
}
