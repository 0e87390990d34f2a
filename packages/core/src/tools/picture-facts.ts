import { pictureType } from "./mime.ts";

/** What a picture's bytes say about it. */
export interface PictureFacts {
  readonly mimeType: string;
  readonly width: number;
  readonly height: number;
  readonly animated: boolean;
}

interface Shape extends Omit<PictureFacts, "mimeType"> {
  /** False when the bytes end before the picture does. */
  readonly whole: boolean;
}

/** Reads a picture's head, and looks for its end; `undefined` for anything that is no whole picture. */
export function pictureFacts(bytes: Uint8Array): PictureFacts | undefined {
  const mimeType = pictureType(bytes);
  if (mimeType === undefined) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const { whole, ...shape } = shapeOf(buffer, mimeType);
    return whole && shape.width > 0 && shape.height > 0 ? { mimeType, ...shape } : undefined;
  } catch (error) {
    // The head itself is cut off.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function shapeOf(bytes: Buffer, mimeType: string): Shape {
  if (mimeType === "image/png") return png(bytes);
  if (mimeType === "image/jpeg") return jpeg(bytes);
  return mimeType === "image/gif" ? gif(bytes) : webp(bytes);
}

function png(bytes: Buffer): Shape {
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    animated: bytes.subarray(0, 1024).includes("acTL"),
    whole: bytes.lastIndexOf("IEND") > 0,
  };
}

/** Goes from marker to marker to the one that begins the frame. */
function jpeg(bytes: Buffer): Shape {
  for (let at = 2; ;) {
    const marker = bytes.readUInt16BE(at);
    // C4, C8 and CC are tables; the other ones from C0 to CF begin a frame.
    const isFrame =
      marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (isFrame) {
      const height = bytes.readUInt16BE(at + 5);
      const width = bytes.readUInt16BE(at + 7);
      return {
        width,
        height,
        animated: false,
        whole: bytes.lastIndexOf("\xff\xd9", "latin1") > at,
      };
    }
    if (marker < 0xff00 || marker === 0xffda) throw new RangeError("There is no frame");
    at += marker === 0xffff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
}

function gif(bytes: Buffer): Shape {
  return {
    width: bytes.readUInt16LE(6),
    height: bytes.readUInt16LE(8),
    animated: bytes.includes("NETSCAPE2.0"),
    whole: bytes.lastIndexOf(0x3b) > 10,
  };
}

function webp(bytes: Buffer): Shape {
  const whole = bytes.readUInt32LE(4) + 8 <= bytes.length;
  const kind = bytes.toString("latin1", 12, 16);
  if (kind === "VP8X") {
    const animated = (bytes.readUInt8(20) & 2) !== 0;
    return {
      width: bytes.readUIntLE(24, 3) + 1,
      height: bytes.readUIntLE(27, 3) + 1,
      animated,
      whole,
    };
  }
  if (kind === "VP8L") {
    const sides = bytes.readUInt32LE(21);
    const [width, height] = [(sides & 0x3fff) + 1, ((sides >>> 14) & 0x3fff) + 1];
    return { width, height, animated: false, whole };
  }
  const [width, height] = [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
  return { width, height, animated: false, whole };
}
