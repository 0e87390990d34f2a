import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import type { ChannelStream } from "../channel/stream.ts";
import { type NameTable, standsForName } from "./names.ts";
import { egressAnswers, type GuestNetwork } from "./protocol.ts";

export interface CaptureOptions {
  readonly names: NameTable;
  readonly open: (port: number, host: string) => ChannelStream;
  readonly log: (line: string) => void;
}

/**
 * Takes every connection that leaves the machine. The kernel delivers them to a socket that `egress.py` opened:
 * the address that a program connected to is the connection's own address here.
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

/** What the program sends is on its way before the host has answered. */
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

/** Ranges that are never public: what asks for them is refused by this machine's kernel. */
const NOT_PUBLIC = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24"],
  "224.0.0.0/3",
];

function fill(set: string, ranges: readonly string[]): string {
  const flush = `flush set ${TABLE} ${set}\n`;
  return ranges.length === 0
    ? flush
    : `${flush}add element ${TABLE} ${set} { ${ranges.join(", ")} }\n`;
}

const commandsFor = ({ isOff, refused, allowed }: Omit<GuestNetwork, "authority">): string =>
  fill("refused", isOff ? ["0.0.0.0/0"] : [...NOT_PUBLIC, ...refused]) +
  fill("allowed", isOff ? [] : allowed);

/** What the kernel was told last; `egress.py` begins with the usual. */
let told = commandsFor({ isOff: false, refused: [], allowed: [] });

/** Tells the kernel which addresses to refuse. It is a courtesy to programs: the host refuses them all the same. */
export function refuseAtOnce(network: GuestNetwork): Promise<void> {
  const commands = commandsFor(network);
  // A sandbox that is resumed is told what it knows, and to start a program takes long under emulation.
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
