/** A thread that carries the requests of mounted volumes to the host, and the answers back, as they are. */
import { writeSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { type ChannelStream, Session, VOLUMES_PORT_NAME } from "@emberbox/wire";
import { pollable } from "./descriptor.ts";
import { openPort } from "./port.ts";
import type { NewMount } from "./volumes.ts";

/** Operations that the kernel wants no answer to, as `linux/fuse.h` has them. */
const [FORGET, INTERRUPT, BATCH_FORGET] = [2, 36, 42];

/** The longest request: the kernel refuses to be read by less. */
const READ_BYTES = 64 * 4096 + 4096;

const log = (line: string): void => void writeSync(2, `emberbox: ${line}\n`);

class Mount {
  readonly #fd: number;
  readonly #port: number;
  readonly #device: ReturnType<typeof pollable>;
  /** What the kernel still waits for, by the number of the request. */
  readonly #unanswered = new Map<bigint, Buffer>();
  #stream: ChannelStream | undefined;
  #held: Buffer = Buffer.alloc(0);

  constructor({ fd, port }: NewMount) {
    this.#fd = fd;
    this.#port = port;
    // Each read returns one request.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (length: number): boolean => {
      this.#ask(Buffer.from(buffer.subarray(0, length)));
      return true;
    };
    this.#device = pollable(fd, { writable: false, onread: { buffer, callback } });
    this.#device.on("error", (error) => log(`a volume is no longer mounted: ${error.message}`));
    this.#device.on("close", () => {
      mounts.delete(this);
      this.#stream?.destroy();
    });
  }

  /** What was not answered in a session that ended is asked again. */
  connect(): void {
    const stream = session.open(this.#port);
    this.#stream = stream;
    this.#held = Buffer.alloc(0);
    stream.on("data", (part: Buffer) => this.#answer(part));
    stream.on("drain", () => this.#device.resume());
    for (const request of this.#unanswered.values()) stream.write(request);
    this.#device.resume();
  }

  #ask(request: Buffer): void {
    const operation = request.readUInt32LE(4);
    if (operation === INTERRUPT) return;
    if (operation !== FORGET && operation !== BATCH_FORGET)
      this.#unanswered.set(request.readBigUInt64LE(8), request);
    if (this.#stream?.write(request) === false) this.#device.pause();
  }

  #answer(part: Buffer): void {
    this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    while (this.#held.length >= 16) {
      const length = this.#held.readUInt32LE(0);
      if (this.#held.length < length) return;
      const answer = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      this.#unanswered.delete(answer.readBigUInt64LE(8));
      try {
        writeSync(this.#fd, answer);
      } catch {
        // Whoever waited for it was killed.
      }
    }
  }
}

const mounts = new Set<Mount>();
let isGreeted = false;
const port = openPort(VOLUMES_PORT_NAME);
const session: Session = new Session({
  port: port.stream,
  gather: port.gather,
  firstStream: 2,
  onHello() {
    isGreeted = true;
    session.hello(Buffer.of());
    for (const mount of mounts) mount.connect();
  },
  onStream: () => false,
  onFreeze: () => session.hold(),
  onBroken(error) {
    log(`the channel of volumes broke: ${error.message}`);
    process.exit(1);
  },
});
parentPort!.on("message", (of: NewMount) => {
  const mount = new Mount(of);
  mounts.add(mount);
  if (isGreeted) mount.connect();
});
