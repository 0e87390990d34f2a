import { operations } from "../protocol.ts";
import type { VolumeServer } from "../server.ts";

/** Fields of a request: numbers by size, text with its end, and bytes as they are. */
export type Field = readonly ["u32" | "u64", number | bigint] | string | Buffer;

const packed = (field: Field): Buffer => {
  if (typeof field === "string") return Buffer.from(`${field}\0`, "latin1");
  if (Buffer.isBuffer(field)) return field;
  const [size, value] = field;
  const bytes = Buffer.alloc(size === "u32" ? 4 : 8);
  if (size === "u32") bytes.writeUInt32LE(Number(value));
  else bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const u32 = (value: number): Field => ["u32", value];
export const u64 = (value: number | bigint): Field => ["u64", value];

/** A request as a kernel sends it, or as somebody does who stands in for it. */
export function request(operation: number, node: number | bigint, ...fields: Field[]): Buffer {
  const body = Buffer.concat(fields.map(packed));
  const header = Buffer.concat(
    [u32(40 + body.length), u32(operation), u64(77), u64(node)]
      .map(packed)
      .concat(Buffer.alloc(16)),
  );
  return Buffer.concat([header, body]);
}

export interface Answer {
  /** 0, or the number of the error. */
  readonly error: number;
  readonly body: Buffer;
}

/** The kernel's side of a mount. */
export class Client {
  readonly #server: Pick<VolumeServer, "handle">;

  constructor(server: Pick<VolumeServer, "handle">) {
    this.#server = server;
  }

  async ask(
    operation: keyof typeof operations | number,
    node: number | bigint,
    ...fields: Field[]
  ): Promise<Answer> {
    const number = typeof operation === "number" ? operation : operations[operation];
    const answer = await this.#server.handle(request(number, node, ...fields));
    if (answer === undefined) throw new Error("there is no answer");
    if (answer.readUInt32LE(0) !== answer.length) throw new Error("the answer has another length");
    return { error: Math.abs(answer.readInt32LE(4)), body: answer.subarray(16) };
  }

  async #body(...args: Parameters<Client["ask"]>): Promise<Buffer> {
    const { error, body } = await this.ask(...args);
    if (error !== 0) throw Object.assign(new Error(`${args[0]} failed with ${error}`), { error });
    return body;
  }

  async lookup(parent: number, name: string): Promise<number> {
    return nodeIn(await this.#body("lookup", parent, name));
  }

  async mkdir(parent: number, name: string, mode = 0o755): Promise<number> {
    return nodeIn(await this.#body("mkdir", parent, u32(mode), u32(0), name));
  }

  async create(
    parent: number,
    name: string,
    { mode = 0o644, flags = 0o2 }: { mode?: number; flags?: number } = {},
  ): Promise<{ node: number; handle: number }> {
    const body = await this.#body(
      ...(["create", parent, u32(flags), u32(mode), u64(0), name] as const),
    );
    return { node: nodeIn(body), handle: Number(body.readBigUInt64LE(128)) };
  }

  async open(node: number, flags = 0o2): Promise<number> {
    return Number((await this.#body("open", node, u32(flags), u32(0))).readBigUInt64LE(0));
  }

  async write(
    node: number,
    handle: number,
    text: string,
    offset = 0,
    flags = 0o2,
  ): Promise<number> {
    const data = Buffer.from(text);
    const fields = [u64(handle), u64(offset), u32(data.length), u32(0), u64(0), u32(flags), u32(0)];
    return (await this.#body("write", node, ...fields, data)).readUInt32LE(0);
  }

  async read(node: number, handle: number, size = 4096, offset = 0): Promise<string> {
    const fields = [u64(handle), u64(offset), u32(size), u32(0), u64(0), u32(0), u32(0)];
    return (await this.#body("read", node, ...fields)).toString();
  }

  async release(node: number, handle: number): Promise<void> {
    await this.#body("release", node, u64(handle), u32(0), u32(0), u64(0));
  }

  async attributes(node: number): Promise<{ size: number; mode: number; nlink: number }> {
    const body = await this.#body("getattr", node, u32(0), u32(0), u64(0));
    return {
      size: Number(body.readBigUInt64LE(24)),
      mode: body.readUInt32LE(76),
      nlink: body.readUInt32LE(80),
    };
  }

  setattr(
    node: number,
    valid: number,
    { size = 0, mode = 0, uid = 0 }: { size?: number; mode?: number; uid?: number } = {},
  ): Promise<Answer> {
    return this.ask(
      ...(["setattr", node, u32(valid), u32(0), u64(0), u64(size), u64(0)] as const),
      ...[u64(1), u64(2), u64(3), u32(4), u32(5), u32(6), u32(mode), u32(0), u32(uid)],
      ...[u32(uid), u32(0)],
    );
  }

  async names(node: number): Promise<string[]> {
    const handle = (await this.#body("opendir", node, u32(0), u32(0))).readBigUInt64LE(0);
    const names: string[] = [];
    for (;;) {
      const fields = [u64(handle), u64(names.length), u32(512), u32(0), u64(0), u32(0), u32(0)];
      const body = await this.#body("readdir", node, ...fields);
      if (body.length === 0) return names.filter((name) => !/^\.\.?$/.test(name)).toSorted();
      for (let at = 0; at < body.length;) {
        const length = body.readUInt32LE(at + 16);
        names.push(body.toString("latin1", at + 24, at + 24 + length));
        at += Math.ceil((24 + length) / 8) * 8;
      }
    }
  }
}

const nodeIn = (entry: Buffer): number => Number(entry.readBigUInt64LE(0));
