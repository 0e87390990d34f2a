import type { IncomingMessage, ServerResponse } from "node:http";
import type { AgentContext } from "../context.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  EventStream,
  parseMessage,
  readBody,
  readEnvelopes,
  RpcError,
  sendJson,
  sendUnary,
  sendUnaryError,
} from "./connect.ts";
import { downloadMany } from "./download-many.ts";
import { download } from "./download.ts";
import { createFilesystemService } from "./filesystem-service.ts";
import { HttpError, sendHttpError } from "./http-error.ts";
import { createMeter } from "./metrics.ts";
import { resolvePath } from "./paths.ts";
import { createProcessService, type Service } from "./process-service.ts";
import { uploadMany } from "./upload-many.ts";
import { upload } from "./upload.ts";
import { findUser, requestUser, type User } from "./users.ts";
import { answerWorkspace } from "./workspaces.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const unaryType = "application/json";
const streamType = "application/connect+json";

/**
 * Serves what E2B's `envd` serves: processes, files and facts about the machine. The host decides who may call, at the
 * other end of the channel: no token enters the machine, because others may get a copy of its memory.
 */
export function createEnvdHandler(context: AgentContext): Handler {
  const services = new Map<string, Service>([
    ["process.Process", createProcessService(context)],
    ["filesystem.Filesystem", createFilesystemService(context)],
  ]);
  const measure = createMeter();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const [, serviceName = "", method = ""] = path.split("/", 3);
    const service = services.get(serviceName);
    if (service !== undefined) {
      return call(service, method, request, response);
    }
    const search = mark < 0 ? "" : url.slice(mark + 1);
    const query = new URLSearchParams(search);
    switch (`${request.method} ${path}`) {
      case "GET /health":
        return void response.writeHead(204, { "cache-control": "no-store" }).end();
      case "GET /files": {
        const user = userOf(request, query);
        return download(filePath(query, user), user, request, response);
      }
      case "POST /emberbox/files/read":
        return downloadMany(userOf(request, query), request, response);
      case "POST /emberbox/files/write":
        return sendJson(response, 200, await uploadMany(request, userOf(request, query)));
      case "POST /files": {
        const user = userOf(request, query);
        return sendJson(response, 200, await upload(request, query.get("path") ?? undefined, user));
      }
      case "POST /init":
        // The channel's greeting does what E2B's control plane does here; nobody else may.
        throw new HttpError(403, "only the control plane may initialise a sandbox");
      case "GET /metrics":
        return sendJson(response, 200, measure());
      case "GET /envs":
        return sendJson(response, 200, context.envs);
      default:
        if (await answerWorkspace(path, search, request, response)) return;
        throw new HttpError(404, `there is no ${request.method} ${path}`);
    }
  }

  function userOf(request: IncomingMessage, query: URLSearchParams): User {
    const name = query.get("username");
    return name ? findUser(name) : requestUser(request, context);
  }

  return (request, response) => {
    response.on("error", () => {});
    answer(request, response).catch((error: unknown) => {
      leaveUnread(request, response);
      sendHttpError(response, error);
    });
  };
}

function filePath(query: URLSearchParams, user: User): string {
  return resolvePath(query.get("path") ?? "", user);
}

/** Closes the connection after the answer if the rest of the request would otherwise have to be read first. */
function leaveUnread(request: IncomingMessage, response: ServerResponse): void {
  if (!request.complete && !response.headersSent) response.setHeader("connection", "close");
}

async function call(
  service: Service,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST") return void response.writeHead(405, { allow: "POST" }).end();
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith(streamType)) return callStream(service, method, request, response);
  if (!type.startsWith(unaryType)) {
    return void response.writeHead(415, { "accept-post": `${unaryType}, ${streamType}` }).end();
  }
  try {
    if (!Object.hasOwn(service.unary, method)) throw unimplemented(method);
    const body = await readBody(request);
    sendUnary(response, await service.unary[method]!(parseMessage(body.toString()), request));
  } catch (error) {
    leaveUnread(request, response);
    sendUnaryError(response, error);
  }
}

async function callStream(
  service: Service,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const stream = new EventStream(response);
  try {
    if (Object.hasOwn(service.inputs, method)) {
      return stream.endWith(
        encodeEnvelope(0, await service.inputs[method]!(readEnvelopes(request))),
      );
    }
    if (!Object.hasOwn(service.streams, method)) throw unimplemented(method);
    const message = decodeEnvelope(await readBody(request));
    // What takes its time, such as watching a large tree, does not hold back the head.
    setImmediate(() => stream.begin());
    await service.streams[method]!(message, request, stream);
  } catch (error) {
    leaveUnread(request, response);
    stream.end(error);
  }
}

function unimplemented(method: string): RpcError {
  return new RpcError("unimplemented", `${method} is not implemented`);
}
