/** What the first bytes of a connection say. */
export type Opening =
  | { readonly kind: "tls"; readonly serverName: string | undefined }
  | { readonly kind: "other" }
  /** More bytes are needed to tell. */
  | { readonly kind: "incomplete" };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const MAX_RECORD = 16_640;
const MAX_HELLO = 65_536;

const incomplete: Opening = { kind: "incomplete" };
const other: Opening = { kind: "other" };

/** Reads the name that a TLS client asks for. A hello may come in several records. */
export function readOpening(bytes: Buffer): Opening {
  const hello: Buffer[] = [];
  let length = 0;
  for (let at = 0; ;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE) return other;
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return other;
    if (bytes.length < at + 5) return incomplete;
    const size = bytes.readUInt16BE(at + 3);
    if (size === 0 || size > MAX_RECORD) return other;
    const part = bytes.subarray(at + 5, at + 5 + size);
    hello.push(part);
    length += part.length;
    const whole = hello.length === 1 ? part : Buffer.concat(hello);
    if (length >= 1 && whole[0] !== CLIENT_HELLO) return other;
    if (length >= 4) {
      const needed = 4 + whole.readUIntBE(1, 3);
      if (needed > MAX_HELLO) return other;
      if (length >= needed) return readHello(whole.subarray(4, needed));
    }
    if (part.length < size) return incomplete;
    at += 5 + size;
  }
}

function readHello(hello: Buffer): Opening {
  try {
    let at = 34;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    if (at === hello.length) return { kind: "tls", serverName: undefined };
    const end = at + 2 + hello.readUInt16BE(at);
    at += 2;
    let serverName: string | undefined;
    while (at < end) {
      const type = hello.readUInt16BE(at);
      const size = hello.readUInt16BE(at + 2);
      if (at + 4 + size > end || end > hello.length) return other;
      if (type === SERVER_NAME) {
        // Two names would be read differently by different servers.
        if (serverName !== undefined) return other;
        serverName = readServerName(hello.subarray(at + 4, at + 4 + size));
        if (serverName === undefined) return other;
      }
      at += 4 + size;
    }
    return { kind: "tls", serverName };
  } catch {
    return other; // A length that leads out of the message.
  }
}

function readServerName(list: Buffer): string | undefined {
  const size = list.readUInt16BE(3);
  const isOne = list.readUInt16BE(0) === list.length - 2 && size === list.length - 5;
  if (!isOne || list[2] !== HOST_NAME) return undefined;
  return list.toString("latin1", 5).toLowerCase();
}
