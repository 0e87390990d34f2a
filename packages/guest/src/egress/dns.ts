/** As much of DNS as a resolver that answers with a single address needs. */
export interface Question {
  readonly id: number;
  readonly flags: number;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Where the question ends in the message. */
  readonly end: number;
}

export const recordTypes = { A: 1 } as const;
export const codes = { ok: 0, serverFailed: 2, noSuchName: 3, notImplemented: 4 } as const;

const HEADER_BYTES = 12;
const IS_ANSWER = 0x80_00;
const RECURSION_DESIRED = 0x01_00;
const RECURSION_AVAILABLE = 0x00_80;
const OPERATION = 0x78_00;
const MAX_LABEL = 63;
const INTERNET = 1;
/** Short: the policy may change. */
const TTL_SECONDS = 30;

/** The question of a query, or `undefined` if the message is not one. */
export function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES + 5) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & (IS_ANSWER | OPERATION)) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at]!; length !== 0; length = message[at]!) {
    // A pointer is not valid: there is no name before the question to point to.
    if (length > MAX_LABEL || at + length + 6 > message.length) return undefined;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  if (at + 5 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    flags,
    name: labels.join(".").toLowerCase(),
    type: message.readUInt16BE(at + 1),
    class: message.readUInt16BE(at + 3),
    end: at + 5,
  };
}

/** The answer to a query: a code, and an IPv4 address if there is one. */
export function answer(
  message: Buffer,
  question: Question,
  code: number,
  address?: number,
): Buffer {
  const record = Buffer.alloc(address === undefined ? 0 : 16);
  if (address !== undefined) {
    record.writeUInt16BE(0xc0_00 | HEADER_BYTES, 0);
    record.writeUInt16BE(recordTypes.A, 2);
    record.writeUInt16BE(INTERNET, 4);
    record.writeUInt32BE(TTL_SECONDS, 6);
    record.writeUInt16BE(4, 10);
    record.writeUInt32BE(address, 12);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  const flags = IS_ANSWER | (question.flags & RECURSION_DESIRED) | RECURSION_AVAILABLE | code;
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(address === undefined ? 0 : 1, 6);
  return Buffer.concat([header, message.subarray(HEADER_BYTES, question.end), record]);
}
