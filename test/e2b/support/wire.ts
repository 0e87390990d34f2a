import type { ServedSandbox } from "./sandbox.ts";

type Message = Record<string, unknown>;

export function envelope(message: unknown, flags = 0): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}

/** The messages of a whole stream; the last one is how it ended. */
function messagesIn(body: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push(JSON.parse(body.toString("utf8", at + 5, end)) as Message);
    at = end;
  }
  return messages;
}

/** Calls the agent itself, as no SDK does. */
export function call(
  { origin }: ServedSandbox,
  path: string,
  options: RequestInit = {},
): Promise<Response> {
  return fetch(origin + path, options);
}

export async function unary(
  served: ServedSandbox,
  method: string,
  message: unknown,
): Promise<Message> {
  const answer = await call(served, `/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(message),
  });
  return (await answer.json()) as Message;
}

/** Calls a streaming method with those messages, and waits for its end. */
export async function stream(
  served: ServedSandbox,
  method: string,
  messages: readonly unknown[],
  headers: Record<string, string> = {},
): Promise<Message[]> {
  const answer = await call(served, `/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/connect+json", ...headers },
    body: Buffer.concat(messages.map((message) => envelope(message))),
  });
  return messagesIn(Buffer.from(await answer.arrayBuffer()));
}
