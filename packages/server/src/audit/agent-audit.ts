import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { askedBy, type AuditAsker, auditFailure, type AuditRecorder } from "@emberbox/core/audit";
import type { Onward, Target } from "@emberbox/ingress";
import { ApiError } from "../api-error.ts";
import { answerOf } from "./answers.ts";
import { type AgentCall, agentCall, factsOf, texts } from "./requests.ts";
import { countBody, countFiles, type Passing } from "./uploads.ts";

/** The longest request that is read before it is passed on: code, as the agent takes it. */
const MAX_MESSAGE_BYTES = 48 * 1024 * 1024;

/** A request that was recorded. */
export interface RecordedRequest {
  /** What it is passed on with, in place of its own body, and of who else reads the answer. */
  replaces(onData: Onward["onData"]): Pick<Onward, "body" | "onData">;
  /** Records the answer. */
  end(response: ServerResponse, error?: unknown): Promise<void>;
}

/** Who sends a request, as far as it says. */
export function askerOf(
  { headers }: Pick<IncomingMessage, "headers">,
  tenant?: string,
): AuditAsker {
  return { adapter: "server", tenant, ...texts({ client: headers["user-agent"]?.slice(0, 200) }) };
}

/** Records what clients ask of the agents in sandboxes. */
export class AgentAudit {
  readonly #recorder: AuditRecorder;

  constructor(recorder: AuditRecorder) {
    this.#recorder = recorder;
  }

  /** Records a request before it is passed on, if it is one that is. @throws 413, `audit_failed` */
  async begin(
    request: IncomingMessage,
    {
      target: { sandboxId, port },
      tenant,
      url,
    }: { target: Target; tenant?: string | undefined; url: URL },
  ): Promise<RecordedRequest | undefined> {
    const asked = agentCall(port, request.method ?? "", url.pathname);
    if (asked === undefined) return undefined;
    const recorder = this.#recorder;
    const { body, passing, method, facts } = await this.#read(request, asked, url);
    const about = { sandboxId, call: recorder.nextCall(), method };
    const by = askerOf(request, tenant);
    const path = url.searchParams.get("path");
    const where = {
      ...texts({ user: userOf(request, url) }),
      ...(path !== null && texts({ target: path })),
    };
    await askedBy(by, () => recorder.before({ ...about, event: "call", ...where, ...facts }));
    const started = performance.now();
    const answer = answerOf(asked.answer, recorder.content);
    return {
      replaces: (onData) => ({
        body,
        onData(chunk) {
          onData?.(chunk);
          answer?.take(chunk);
        },
      }),
      end: async (response, error) => {
        const passed = await passing?.facts();
        await askedBy(by, () =>
          recorder.after({
            ...{ ...about, event: "result" },
            ...(response.headersSent && { status: response.statusCode }),
            ...(error !== undefined && { error: auditFailure(error) }),
            durationMs: Math.round(performance.now() - started),
            ...passed,
            ...answer?.facts(),
          }),
        );
      },
    };
  }

  async #read(request: IncomingMessage, asked: AgentCall, url: URL) {
    const { method } = asked;
    if (asked.body === "none" || request.method === "GET" || request.method === "HEAD")
      return { body: null, method, facts: {} };
    if (asked.body === "json" || asked.body === "envelope") {
      const body = await readAll(request);
      return { body, ...factsOf(asked, body, this.#recorder.content) };
    }
    const passing =
      asked.body === "file"
        ? countFiles(url.searchParams.get("path") ?? undefined, {
            type: request.headers["content-type"] ?? "",
            encoding: request.headers["content-encoding"],
          })
        : countBody(method === "commands.sendStdin" ? "input" : "body");
    return { body: counted(request, passing), passing, method, facts: {} };
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of piecesOf(request)) {
    bytes += chunk.length;
    if (bytes > MAX_MESSAGE_BYTES)
      throw new ApiError(413, `The request has more than ${MAX_MESSAGE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function counted(request: IncomingMessage, passing: Passing): Readable {
  async function* pieces(): AsyncGenerator<Buffer> {
    for await (const piece of piecesOf(request)) {
      passing.take(piece);
      yield piece;
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

/** The request stays usable when they are not read to the end: it is still to be answered. */
const piecesOf = (request: IncomingMessage): AsyncIterable<Buffer> =>
  request.iterator({ destroyOnReturn: false });

/** E2B's SDKs name the user in the query or as in HTTP's basic authentication. */
function userOf({ headers }: IncomingMessage, url: URL): string | undefined {
  const inPath = /^\/users\/([^/]+)\//.exec(url.pathname)?.[1];
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? "")?.[1];
  const named = basic && Buffer.from(basic, "base64").toString().split(":", 1)[0];
  return inPath ?? url.searchParams.get("username") ?? (named || undefined);
}
