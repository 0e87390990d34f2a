import {
  fromJson,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJsonString,
  create,
} from "@bufbuild/protobuf";
import { createContextValues, type Transport } from "@connectrpc/connect";
import {
  errorFromJson,
  requestHeader,
  trailerDemux,
  validateResponse,
} from "@connectrpc/connect/protocol-connect";
import { EmberboxError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { readDocument } from "./document.ts";
import { shareTurn } from "./share-turn.ts";

/** The most messages in a list, such as a directory's entries. */
const MAX_MESSAGES = 100_000;
/** Messages built before other work gets its turn. */
const AT_ONCE = 200;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Buffer>;
}

/** Makes calls that are answered with one JSON message, which may be large without blocking other work. */
export function unaryTransport(
  baseUrl: string,
  post: (url: string, init: RequestInit) => Promise<Answer>,
  budget: Budget,
): Transport["unary"] {
  return async (method, signal, timeoutMs, header, input) => {
    const { status, headers, body } = await post(
      `${baseUrl}/${method.parent.typeName}/${method.name}`,
      {
        headers: requestHeader("unary", false, timeoutMs, header, false),
        body: toJsonString(method.input, create(method.input, input)),
        signal: signal ?? null,
      },
    );
    const { isUnaryError, unaryError } = validateResponse("unary", false, status, headers);
    const json = (await readDocument(body, { budget })) as JsonValue;
    const [demuxed, trailer] = trailerDemux(headers);
    if (isUnaryError) throw errorFromJson(json, headers, unaryError!);
    return {
      stream: false,
      service: method.parent,
      method,
      header: demuxed,
      trailer,
      message: await messageFrom(method.output, json),
      contextValues: createContextValues(),
    };
  };
}

/** Builds a message from JSON; long lists are built piece by piece. */
async function messageFrom<Message extends DescMessage>(
  schema: Message,
  json: JsonValue,
): Promise<MessageShape<Message>> {
  try {
    const lists = schema.fields.filter(
      (field) => field.fieldKind === "list" && field.listKind === "message",
    );
    const rest = { ...(json as JsonObject) };
    const long = lists.flatMap((field) => {
      const name = rest[field.jsonName] === undefined ? field.name : field.jsonName;
      const sent = rest[name];
      if (!Array.isArray(sent) || sent.length <= AT_ONCE) return [];
      if (sent.length > MAX_MESSAGES)
        throw new EmberboxError(
          "protocol_error",
          `The sandbox sent a list of ${sent.length} entries, more than ${MAX_MESSAGES}`,
        );
      delete rest[name];
      return [{ field, sent }];
    });
    if (long.length === 0) return fromJson(schema, json, { ignoreUnknownFields: true });
    const message = fromJson(schema, rest, { ignoreUnknownFields: true });
    for (const { field, sent } of long) {
      const list = (message as unknown as Record<string, unknown[]>)[field.localName]!;
      for (let at = 0; at < sent.length; at += AT_ONCE) {
        for (const each of sent.slice(at, at + AT_ONCE))
          list.push(fromJson(field.message!, each, { ignoreUnknownFields: true }));
        await shareTurn();
      }
    }
    return message;
  } catch (cause) {
    if (EmberboxError.isInstance(cause)) throw cause;
    throw new EmberboxError("protocol_error", "The sandbox's answer is not what was expected", {
      cause,
    });
  }
}
