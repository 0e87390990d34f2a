import type { Socket } from "node:net";
import { background } from "@emberbox/core/background";
import { type Target, refuseConnection, refusals } from "@emberbox/ingress";
import type { ChannelStream } from "@emberbox/wire";

/** How one port of a sandbox is reached. */
export interface Gate extends Target {
  readonly open: () => Promise<ChannelStream>;
}

const HTTP_REQUEST = /^[A-Z]{1,20} \S+ HTTP\/1\.[01]\r?\n/;

/** Connects a client to a port inside. The bytes pass unread, whatever the protocol. */
export async function forward(client: Socket, gate: Gate): Promise<void> {
  client.on("error", () => {});
  if (client.destroyed) return;
  let stream: ChannelStream;
  try {
    stream = await gate.open();
  } catch {
    return refuseConnection(client, gate, refusals.gone);
  }
  if (client.destroyed) return void stream.destroy();
  stream.unref();
  const speaksHttp = saysHttp(client);
  let answered = false;
  stream.once("data", () => (answered = true));
  stream.once("close", () => {
    if (stream.readableEnded) return;
    if (answered) return void client.destroy();
    // A closed port may become known before the client has sent anything.
    setTimeout(() => client.emit("silent"), FIRST_WORD_MS).unref();
    client.resume();
    const refused = speaksHttp.then((isHttp) =>
      isHttp ? refuseConnection(client, gate, refusals.closed) : client.destroy(),
    );
    background(refused, () => client.destroy());
  });
  client.once("close", () => {
    // After the client's orderly end, the last bytes are still on their way into the sandbox.
    if (!client.readableEnded || !client.writableFinished) stream.destroy();
  });
  client.pipe(stream).pipe(client);
}

/** Whether a client's first bytes are an HTTP request. */
function saysHttp(client: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    client.once("data", (chunk: Buffer) =>
      resolve(HTTP_REQUEST.test(chunk.toString("latin1", 0, 8192))),
    );
    for (const event of ["end", "close", "silent"]) client.once(event, () => resolve(false));
  });
}

const FIRST_WORD_MS = 1000;
