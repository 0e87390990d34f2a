import type { Socket } from "node:net";
import type { ChannelStream } from "@emberbox/guest";
import { checkHead, readHead } from "./head.ts";

/** How one port of a sandbox is reached, and by whom. */
export interface Gate {
  readonly sandboxId: string;
  readonly port: number;
  readonly open: () => Promise<ChannelStream>;
  readonly token: string | undefined;
  /** Replaces the `Host` of requests. */
  readonly host: string | undefined;
}

const HTTP_REQUEST = /^[A-Z]{1,20} \S+ HTTP\/1\.[01]\r?\n/;

/**
 * Joins a connection to a port inside. The bytes pass unread, whatever the protocol, unless a token is demanded or
 * the host is masked: then the connection is one HTTP request, or what it is upgraded to.
 */
export function forward(client: Socket, gate: Gate): void {
  client.on("error", () => {});
  if (gate.token === undefined && gate.host === undefined) return void join(client, gate);
  readHead(client, (head, rest) => {
    const checked = head === undefined ? { status: 400 as const } : checkHead(head, gate);
    if ("status" in checked) return refuse(client, gate, checked.status);
    void join(client, gate, Buffer.concat([Buffer.from(checked.head, "latin1"), rest]));
  });
}

/** `head` is that of an HTTP request, where one was read. */
async function join(client: Socket, gate: Gate, head?: Buffer): Promise<void> {
  let stream: ChannelStream;
  try {
    stream = await gate.open();
  } catch {
    return refuse(client, gate, 502, "The sandbox was not found");
  }
  if (client.destroyed) return void stream.destroy();
  stream.unref();
  if (head) stream.write(head);
  const speaksHttp = head ? Promise.resolve(true) : saysHttp(client);
  let answered = false;
  stream.once("data", () => (answered = true));
  stream.once("close", () => {
    if (stream.readableEnded) return;
    if (answered) return void client.destroy();
    // A closed port may be found closed before the client has said a word.
    setTimeout(() => client.emit("silent"), FIRST_WORD_MS).unref();
    client.resume();
    void speaksHttp.then((isHttp) => (isHttp ? refuse(client, gate, 502) : client.destroy()));
  });
  client.once("close", () => {
    // What was read to its end is still on its way into the sandbox.
    if (!client.readableEnded || !client.writableFinished) stream.destroy();
  });
  client.pipe(stream).pipe(client);
}

/** Whether the first that a client says is an HTTP request. */
function saysHttp(client: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    client.once("data", (chunk: Buffer) =>
      resolve(HTTP_REQUEST.test(chunk.toString("latin1", 0, 8192))),
    );
    for (const event of ["end", "close", "silent"]) client.once(event, () => resolve(false));
  });
}

const FIRST_WORD_MS = 1000;

const reasons = {
  400: ["Bad Request", "The port takes HTTP requests only"],
  403: ["Forbidden", "The header e2b-traffic-access-token is missing or wrong"],
  502: ["Bad Gateway", "The sandbox is running but port is not open"],
} as const;

/** Answers in E2B's form. */
function refuse(
  client: Socket,
  { sandboxId, port }: Gate,
  code: keyof typeof reasons,
  message: string = reasons[code][1],
): void {
  const body = JSON.stringify({ sandboxId, message, port, code });
  const head = [
    `HTTP/1.1 ${code} ${reasons[code][0]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  client.unpipe();
  client.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // What the client still sends is read and dropped, so that the answer is not lost to a reset.
  client.resume();
  setTimeout(() => client.destroy(), LINGER_MS).unref();
}

const LINGER_MS = 2000;
