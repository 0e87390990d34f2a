import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { background } from "@emberbox/core/background";
import { answer, codes, type Question, readQuestion, recordTypes } from "./dns.ts";
import type { NameTable } from "./names.ts";
import { egressAnswers } from "@emberbox/wire";

export interface ResolverOptions {
  readonly names: NameTable;
  /** Asks the host about a name; resolves to one of `egressAnswers`. */
  readonly ask: (name: string) => Promise<number>;
  readonly log: (line: string) => void;
}

const PORT = 53;
const LOOPBACK = "127.0.0.1";
/** This machine's own name. */
const OWN_ADDRESS = 0x7f_00_01_01;
const LOCALHOST = 0x7f_00_00_01;
const MAX_NAME = 253;
const TCP_IDLE_MS = 10_000;

/** The name server of the sandbox's programs, on UDP and TCP. */
export function serveNames(options: ResolverOptions, ownName: () => string): void {
  const reply = async (message: Buffer, send: (answer: Buffer) => void): Promise<void> => {
    const question = readQuestion(message);
    if (question === undefined) return;
    const [code, address] = await resolve(question, options, ownName());
    send(answer(message, question, code, address));
  };
  const failed = (error: unknown): void => options.log(`the resolver failed: ${String(error)}`);
  const udp = createSocket("udp4");
  udp.on("message", (message, { port, address }) => {
    const send = (bytes: Buffer): void => udp.send(bytes, port, address, () => {});
    background(reply(message, send), failed);
  });
  udp.on("error", failed);
  udp.bind(PORT, LOOPBACK);
  const tcp = createServer((socket) => serveTcp(socket, reply, failed));
  tcp.on("error", failed);
  tcp.listen(PORT, LOOPBACK);
}

function serveTcp(
  socket: Socket,
  reply: (message: Buffer, send: (answer: Buffer) => void) => Promise<void>,
  onFailure: (error: unknown) => void,
): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const send = (bytes: Buffer): void => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        socket.write(Buffer.concat([length, bytes]));
      };
      background(reply(received.subarray(2, end), send), onFailure);
      received = received.subarray(end);
    }
  });
}

type Resolved = readonly [code: number, address?: number];

async function resolve(
  { name, type }: Question,
  { names, ask }: ResolverOptions,
  ownName: string,
): Promise<Resolved> {
  if (name === ownName) return type === recordTypes.A ? [codes.ok, OWN_ADDRESS] : [codes.ok];
  if (name === "localhost" || name.endsWith(".localhost"))
    return type === recordTypes.A ? [codes.ok, LOCALHOST] : [codes.ok];
  if (!name.includes(".") || name.length > MAX_NAME || name.endsWith(".arpa"))
    return [codes.noSuchName];
  // Names have IPv4 addresses only, and whether one exists is found out by asking for those.
  if (type !== recordTypes.A) return [codes.ok];
  const said = await ask(name);
  if (said === egressAnswers.connected) return [codes.ok, names.addressOf(name, "reached")];
  if (said === egressAnswers.explained) return [codes.ok, names.addressOf(name, "refused")];
  return [said === egressAnswers.unreachable ? codes.serverFailed : codes.noSuchName];
}
