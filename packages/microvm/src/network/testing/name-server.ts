import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Answers in turn: the first query for a name gets the first of them, the last is repeated. */
export type Zone = Record<string, readonly (readonly string[])[]>;

export interface NameServer extends AsyncDisposable {
  readonly address: string;
  /** Names that were asked for, in order. */
  readonly asked: string[];
}

const types = { 1: "A", 28: "AAAA" } as const;
const TTL = 0;

/** A name server that says whatever a test wants: addresses, `cname:NAME` before them, or nothing. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket: Socket = createSocket("udp4");
  const asked: string[] = [];
  const turns: Map<string, number> = new Map();
  socket.on("message", (query, { port, address }) => {
    const { name, type, end } = question(query);
    if (type === "A") asked.push(name);
    const answers = zone[name];
    const key = `${name} ${type}`;
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    const said = answers?.[Math.min(turn, answers.length - 1)] ?? [];
    const records = recordsOf(said, type);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(answers === undefined ? 0x81_83 : 0x81_80, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

function question(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = types[query.readUInt16BE(at + 1) as 1] ?? "?";
  return { name: labels.join(".").toLowerCase(), type, end: at + 5 };
}

/** What comes after `cname:NAME` are the records of that name. */
function recordsOf(said: readonly string[], type: string): Buffer[] {
  let owner = Buffer.of(0xc0, 12);
  return said.flatMap((text) => {
    const records = record(owner, text, type);
    if (text.startsWith("cname:")) owner = encodeName(text.slice(6));
    return records;
  });
}

function record(owner: Buffer, text: string, type: string): Buffer[] {
  const isV6 = text.includes(":") && !text.startsWith("cname:");
  const [number, data] = text.startsWith("cname:")
    ? [5, encodeName(text.slice(6))]
    : isV6
      ? [28, encodeIpv6(text)]
      : [1, Buffer.from(text.split(".").map(Number))];
  if (number === 1 && type !== "A") return [];
  if (number === 28 && type !== "AAAA") return [];
  const head = Buffer.alloc(10);
  head.writeUInt16BE(number as number, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(TTL, 4);
  head.writeUInt16BE((data as Buffer).length, 8);
  return [Buffer.concat([owner, head, data as Buffer])];
}

function encodeName(name: string): Buffer<ArrayBuffer> {
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

const parts = (half: string): number[] =>
  half === "" ? [] : half.split(":").map((part) => Number.parseInt(part, 16));

function encodeIpv6(text: string): Buffer {
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [a, b, c, d] = (mapped?.slice(2) ?? []).map(Number);
  const hex = mapped
    ? `${mapped[1]}${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`
    : text;
  const [head = "", tail] = hex.split("::");
  const [left, right] = [parts(head), parts(tail ?? "")];
  const words = [
    ...left,
    ...Array.from({ length: 8 - left.length - right.length }, () => 0),
    ...right,
  ];
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 255]));
}
