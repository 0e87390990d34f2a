import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { background, warning } from "@emberbox/core/background";
import type { Dealer, Socket, Subscriber } from "zeromq";
import { type Message, Messages } from "./message.ts";

/** Longest message that is received, in bytes; ZeroMQ drops the connection that brings a longer one. */
export const MAX_MESSAGE_BYTES: number = 64 * 1024 * 1024;
/** How many messages of one socket may wait to be read. */
const MAX_WAITING = 200;
/** Pause between attempts to reach a kernel that does not listen yet, in ms. */
const RECONNECT_MS = 50;

export type RequestChannel = "shell" | "control" | "stdin";
export type ChannelName = RequestChannel | "iopub";

const PORTS = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;

export interface ConnectionListener {
  message(channel: ChannelName, message: Message): void;
  /** The kernel's output was cut off: a message was too long, or the kernel is gone. */
  lost(): void;
}

export interface ConnectionOptions {
  /** Where the file with the key is kept; others may list names in it. */
  readonly directory: string;
  /** Who may read that file. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly listener: ConnectionListener;
}

/** The sockets to one kernel, and the file that tells the kernel about them. */
export interface Connection extends Disposable {
  /** The path that replaces `{connection_file}` in the kernel's arguments. */
  readonly file: string;
  /** Sends a message and returns its id. */
  send(channel: RequestChannel, type: string, content: object): string;
}

export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const key = randomBytes(32).toString("hex");
  const ports = Object.fromEntries(
    (await freePorts(PORTS.length)).map((port, index) => [PORTS[index]!, port]),
  );
  const file = writeConnectionFile(options, { ...ports, key });
  const messages = new Messages(key);
  const sockets = await openSockets(ports, (channel, frames) => {
    const message = messages.decode(frames);
    if (message !== undefined) options.listener.message(channel, message);
  });
  background(
    watch(sockets.iopub, () => options.listener.lost()),
    warning("Watching a kernel's connection"),
  );
  return {
    file,
    send(channel, type, content) {
      const { id, frames } = messages.encode(type, content);
      // It fails when the socket is closed: then nobody waits for the answer any more.
      sockets[channel].send(frames).catch(() => undefined);
      return id;
    },
    [Symbol.dispose]() {
      for (const socket of Object.values(sockets)) socket.close();
      rmSync(file, { force: true });
    },
  };
}

type Sockets = Record<RequestChannel, Dealer> & { readonly iopub: Subscriber };

async function openSockets(
  ports: Readonly<Record<string, number>>,
  onFrames: (channel: ChannelName, frames: Buffer[]) => void,
): Promise<Sockets> {
  // Native code, loaded with the first kernel.
  const { Dealer, Subscriber } = await import("zeromq");
  const options = {
    linger: 0,
    maxMessageSize: MAX_MESSAGE_BYTES,
    receiveHighWaterMark: MAX_WAITING,
    reconnectInterval: RECONNECT_MS,
  };
  // A kernel asks for input from the identity that sent the code.
  const routingId = randomBytes(8).toString("hex");
  const sockets = {
    shell: new Dealer({ ...options, routingId }),
    control: new Dealer(options),
    stdin: new Dealer({ ...options, routingId }),
    iopub: new Subscriber(options),
  };
  sockets.iopub.subscribe();
  for (const [name, socket] of Object.entries(sockets)) {
    socket.connect(`tcp://127.0.0.1:${ports[`${name}_port`]}`);
    background(
      receive(socket, (frames) => onFrames(name as ChannelName, frames)),
      warning("Reading from a kernel"),
    );
  }
  return sockets;
}

/** Reads until the socket is closed. */
async function receive(
  socket: Dealer | Subscriber,
  onFrames: (frames: Buffer[]) => void,
): Promise<void> {
  try {
    for await (const frames of socket) onFrames(frames);
  } catch {
    socket.close();
  }
}

/** Calls back when a connected socket loses its connection. */
async function watch(socket: Socket, onDisconnect: () => void): Promise<void> {
  try {
    for await (const { type } of socket.events) if (type === "disconnect") onDisconnect();
  } catch {
    // It was closed.
  }
}

function writeConnectionFile(options: ConnectionOptions, secrets: object): string {
  mkdirSync(options.directory, { recursive: true, mode: 0o711 });
  const path = join(options.directory, `kernel-${randomBytes(8).toString("hex")}.json`);
  const facts = { transport: "tcp", ip: "127.0.0.1", signature_scheme: "hmac-sha256" };
  writeFileSync(path, JSON.stringify({ ...facts, ...secrets }), { mode: 0o600, flag: "wx" });
  if (process.getuid?.() === 0) chownSync(path, options.owner.uid, options.owner.gid);
  return path;
}

/** Ports that nobody listens on at this moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  try {
    await Promise.all(servers.map((server) => once(server, "listening")));
    return servers.map((server) => (server.address() as { port: number }).port);
  } finally {
    for (const server of servers) server.close();
  }
}
