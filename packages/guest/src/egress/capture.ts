import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { type ChannelStream, egressAnswers, type GuestNetwork, NOT_PUBLIC } from "@emberbox/wire";
import { type NameTable, standsForName } from "./names.ts";

export interface CaptureOptions {
  readonly names: NameTable;
  readonly open: (port: number, host: string) => ChannelStream;
  readonly log: (line: string) => void;
}

/**
 * Takes every connection that leaves the machine. The kernel delivers them to a socket that `egress.py` opened, where a
 * connection's own address is the one that the program connected to.
 */
export function capture({ names, open, log }: CaptureOptions): void {
  const fd = Number(process.env["EMBERBOX_EGRESS"]);
  delete process.env["EMBERBOX_EGRESS"];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const { localAddress = "", localPort = 0 } = socket;
    const address = localAddress.replace("::ffff:", "");
    const host = standsForName(address) ? names.nameOf(address) : address;
    if (host === undefined) return void socket.resetAndDestroy();
    try {
      join(socket, open(localPort, host));
    } catch {
      socket.resetAndDestroy();
    }
  });
  server.on("error", (error) => log(`connections are not taken: ${error.message}`));
  server.listen({ fd });
}

/** Sends on what the program sends before the host has answered. */
function join(socket: Socket, stream: ChannelStream): void {
  socket.on("error", () => {});
  socket.pipe(stream);
  stream.once("data", (first: Buffer) => {
    if (first[0] !== egressAnswers.connected) return void socket.resetAndDestroy();
    if (first.length > 1) socket.write(first.subarray(1));
    stream.pipe(socket);
  });
  stream.once("close", () => {
    if (!stream.readableEnded) socket.resetAndDestroy();
    else if (!socket.writableEnded) socket.end();
  });
  socket.once("close", () => {
    if (!socket.readableEnded || !stream.writableFinished) stream.destroy();
  });
}

const TABLE = "inet emberbox";
const SETTLE_MS = 5000;

function fill(set: string, ranges: readonly string[]): string {
  const flush = `flush set ${TABLE} ${set}\n`;
  return ranges.length === 0
    ? flush
    : `${flush}add element ${TABLE} ${set} { ${ranges.join(", ")} }\n`;
}

const commandsFor = ({ isOff, refused, allowed }: Omit<GuestNetwork, "authority">): string =>
  fill("refused", isOff ? ["0.0.0.0/0"] : [...NOT_PUBLIC, ...refused]) +
  fill("allowed", isOff ? [] : allowed);

/** What the kernel was last told; `egress.py` starts with the default. */
let told = commandsFor({ isOff: false, refused: [], allowed: [] });

/** Tells the kernel which addresses to refuse. This only makes refusals faster: the host refuses them anyway. */
export function refuseAtOnce(network: GuestNetwork): Promise<void> {
  const commands = commandsFor(network);
  // A resumed sandbox is told what it knows already, and starting a program takes long under emulation.
  if (commands === told) return Promise.resolve();
  told = commands;
  return new Promise((resolve) => {
    const nft: ChildProcess = spawn("nft", ["-f", "-"], {
      stdio: ["pipe", "ignore", "ignore"],
      timeout: SETTLE_MS,
    });
    nft.on("error", () => resolve());
    nft.on("close", () => resolve());
    nft.stdin!.on("error", () => {});
    nft.stdin!.end(commands);
  });
}
