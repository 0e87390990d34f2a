import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";

const TOKEN_HEADER = "e2b-traffic-access-token";
const MAX_HEAD_BYTES = 65_536;
const HEAD_MS = 30_000;

/** Reads the head of an HTTP request: the text to its empty line, and what came after it. */
export function readHead(
  client: Socket,
  done: (head: string | undefined, rest: Buffer) => void,
): void {
  let read: Buffer = Buffer.alloc(0);
  const finish = (length: number | undefined): void => {
    clearTimeout(late);
    client.off("data", take).off("end", onEnd).off("close", onClose).pause();
    if (length === undefined) done(undefined, Buffer.alloc(0));
    else done(read.toString("latin1", 0, length), read.subarray(length));
  };
  const take = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf("\r\n\r\n");
    if (end >= 0 && end < MAX_HEAD_BYTES) finish(end + 4);
    else if (read.length >= MAX_HEAD_BYTES) finish(undefined);
  };
  const onEnd = (): void => finish(undefined);
  const onClose = (): void => clearTimeout(late);
  const late = setTimeout(() => finish(undefined), HEAD_MS).unref();
  client.on("data", take).on("end", onEnd).on("close", onClose);
}

/** The head as the server inside is to see it, or why there is none. */
export function checkHead(
  head: string,
  gate: { readonly token: string | undefined; readonly host: string | undefined },
): { readonly head: string } | { readonly status: 400 | 403 } {
  const [request, ...lines] = head.slice(0, -4).split("\r\n");
  if (!/^[A-Z]{1,20} \S+ HTTP\/1\.[01]$/.test(request!)) return { status: 400 };
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return { name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1).trim(), line };
  });
  const all = (name: string): string[] =>
    headers.filter((header) => header.name === name).map(({ value }) => value);
  if (gate.token !== undefined && !all(TOKEN_HEADER).some((given) => isEqual(given, gate.token!)))
    return { status: 403 };
  // One request per connection, so that each one is looked at; what it is upgraded to is the server's affair.
  const upgrades = all("upgrade").length > 0;
  const dropped = [TOKEN_HEADER, ...(gate.host === undefined ? [] : ["host"])];
  if (!upgrades) dropped.push("connection", "keep-alive");
  const kept = headers.filter(({ name }) => !dropped.includes(name)).map(({ line }) => line);
  if (gate.host !== undefined) kept.unshift(`Host: ${gate.host}`);
  if (!upgrades) kept.push("Connection: close");
  return { head: `${[request, ...kept].join("\r\n")}\r\n\r\n` };
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
