/**
 * The channel's wire format: frames of a 9-byte header (kind, stream id, payload length; big endian) and a payload.
 * Host-opened streams have odd ids, guest-opened ones even ids; stream 0 is the session itself.
 */
export const frameKinds = {
  /** Opens a session; the payload is JSON. Preceded by `sessionMark`. */
  hello: 0,
  /** Opens a stream; the payload is the port, 2 bytes, and from the guest the name or address of a host. */
  open: 1,
  data: 2,
  /** This side sends no more data on the stream. */
  end: 3,
  /** The stream is gone in both directions; the payload may say why. */
  reset: 4,
  /** More data may be sent on the stream; the payload is the number of bytes, 4 bytes. */
  window: 5,
  /**
   * Asks the guest to stand still; the payload is a byte of `freezeFlags`. It answers with the same as its last bytes.
   * What comes next is `thaw`, or the mark of a new session: the machine was copied.
   */
  freeze: 6,
  /** The session continues; the payload is JSON, a `Thaw`. */
  thaw: 7,
  /** Like `data`, which is in a slot of the sender's; the payload is the slot, 1 byte, and the length, 4 bytes. */
  bulk: 8,
  /** What was in a slot of the other side's has been taken; the payload is the slot, 1 byte. */
  taken: 9,
} as const;

/** Flags of a `freeze`, which may be combined. */
export const freezeFlags = {
  /** Stop the user's processes. */
  processes: 1,
  /** Write everything to the disk. */
  sync: 2,
  /** Give memory back that is not needed. */
  tidy: 4,
} as const;

export const HEADER_BYTES = 9;
/** Largest payload of a frame, in bytes. */
export const MAX_PAYLOAD = 65_536;
/** Largest greeting that a guest takes from its host, in bytes: 1 MiB of variables, however JSON spells them. */
export const MAX_GREETING: number = 8 * 1024 * 1024;
/** How much a side may send on a stream before the other has granted more, in bytes. */
export const INITIAL_WINDOW = 2_097_152;

/**
 * Precedes `hello`. A port keeps the bytes of a session that ended, so both sides discard everything up to this mark.
 */
export const sessionMark: Buffer = Buffer.from("a7f3e10b5c924d68b1d07e35f84a2c96", "hex");

export function frame(kind: number, stream: number, payload?: Uint8Array): Buffer {
  const length = payload?.length ?? 0;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + length);
  bytes[0] = kind;
  bytes.writeUInt32BE(stream, 1);
  bytes.writeUInt32BE(length, 5);
  if (payload !== undefined) bytes.set(payload, HEADER_BYTES);
  return bytes;
}

export interface FrameSink {
  /** A frame begins. */
  begin?(kind: number): void;
  /** A part of a stream's data; a frame's payload may come in several parts. */
  data(stream: number, part: Buffer): void;
  control(kind: number, stream: number, payload: Buffer): void;
}

/** Splits bytes into frames. Throws on a frame that is too long; only `hello` may be longer than others. */
export function createFrameParser(
  sink: FrameSink,
  maxHello: number = MAX_PAYLOAD,
): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let kind = 0;
  let stream = 0;
  let missing = 0;
  let parts: Buffer[] = [];

  return (chunk) => {
    let at = 0;
    while (at < chunk.length || (headerBytes === HEADER_BYTES && missing === 0)) {
      if (headerBytes < HEADER_BYTES) {
        const taken = chunk.copy(header, headerBytes, at, at + HEADER_BYTES - headerBytes);
        headerBytes += taken;
        at += taken;
        if (headerBytes < HEADER_BYTES) return;
        kind = header[0]!;
        stream = header.readUInt32BE(1);
        missing = header.readUInt32BE(5);
        const limit = kind === frameKinds.hello ? maxHello : MAX_PAYLOAD;
        if (missing > limit)
          throw new Error(`a frame of ${missing} bytes is over the limit of ${limit}`);
        sink.begin?.(kind);
      }
      const part = chunk.subarray(at, at + missing);
      at += part.length;
      missing -= part.length;
      if (kind === frameKinds.data) {
        if (part.length > 0) sink.data(stream, part);
      } else parts.push(part);
      if (missing > 0) return;
      headerBytes = 0;
      if (kind !== frameKinds.data) {
        const payload = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        parts = [];
        sink.control(kind, stream, payload);
      }
    }
  };
}
