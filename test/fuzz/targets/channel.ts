import { Duplex } from "node:stream";
import { INITIAL_WINDOW, sessionMark } from "../../../packages/wire/src/channel/frames.ts";
import { Session } from "../../../packages/wire/src/channel/session.ts";
import type { ChannelStream } from "../../../packages/wire/src/channel/stream.ts";
import { check, inPieces, type Target } from "../target.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The host's side of the channel. */
export const target: Target = {
  refuses: () => false,
  share: 0.5,
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    let written = 0;
    const port = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        written += chunk.length;
        done();
      },
    });
    const broken: Error[] = [];
    const streams: ChannelStream[] = [];
    const session = new Session({
      port,
      firstStream: 1,
      onHello: (payload) => void payload.toString(),
      onStream: (stream) => streams.push(stream) % 3 !== 0,
      onBroken: (error) => void broken.push(error),
    });
    session.hello(Buffer.from("{}"));
    for (let count = (input[0] ?? 0) >> 6; count > 0; count--) streams.push(session.open(80));
    // Some read, others do not.
    for (const stream of streams.slice(1)) stream.resume();
    for (const piece of [sessionMark, ...pieces]) port.push(piece);
    await turn();
    check(broken.length <= 1, "it broke more than once");
    for (const stream of streams)
      check(stream.readableLength <= INITIAL_WINDOW, "more is kept than was granted");
    check(
      written <= 1024 + 4 * bytes.length,
      `${bytes.length} bytes were answered with ${written}`,
    );
    port.destroy();
    await turn();
    check(broken.length === 1, "it does not know that it is closed");
    check(
      streams.every((stream) => stream.destroyed),
      "a stream outlived its session",
    );
  },
};
