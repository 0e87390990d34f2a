import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Jupyter's messages, version 5.3 of its protocol. */
export interface Message {
  readonly type: string;
  /** The id of the request that caused it. */
  readonly parent: string | undefined;
  readonly content: Readonly<Record<string, unknown>>;
}

const DELIMITER = "<IDS|MSG>";
const VERSION = "5.3";

/** Signs and reads the messages of one connection. */
export class Messages {
  readonly #key: string;
  readonly #session = randomUUID();

  constructor(key: string) {
    this.#key = key;
  }

  encode(type: string, content: object): { readonly id: string; readonly frames: Buffer[] } {
    const id = randomUUID();
    const header = {
      msg_id: id,
      session: this.#session,
      username: "user",
      date: new Date().toISOString(),
      msg_type: type,
      version: VERSION,
    };
    const parts = [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    const signature = Buffer.from(this.#sign(parts));
    return { id, frames: [Buffer.from(DELIMITER), signature, ...parts] };
  }

  /** The message in some frames; `undefined` if they are not a message, or not signed with the key. */
  decode(frames: readonly Buffer[]): Message | undefined {
    const start = frames.findIndex((frame) => frame.toString("latin1", 0, 10) === DELIMITER);
    const [signature, ...parts] = frames.slice(start + 1, start + 6);
    if (start < 0 || signature === undefined || parts.length < 4) return undefined;
    const wanted = Buffer.from(this.#sign(parts));
    if (signature.length !== wanted.length || !timingSafeEqual(signature, wanted)) return undefined;
    try {
      const [header, parent, , content] = parts.map((part) => recordOf(part));
      const type = header?.["msg_type"];
      const cause = parent?.["msg_id"];
      if (typeof type !== "string" || content === undefined) return undefined;
      return { type, parent: typeof cause === "string" ? cause : undefined, content };
    } catch {
      return undefined;
    }
  }

  #sign(parts: readonly Buffer[]): string {
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }
}

/** @throws SyntaxError */
function recordOf(part: Buffer): Record<string, unknown> | undefined {
  const value: unknown = JSON.parse(part.toString());
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}
