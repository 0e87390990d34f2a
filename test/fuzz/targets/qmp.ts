import { duplexPair } from "node:stream";
import { connectQmp } from "../../../packages/microvm/src/machine/qmp.ts";
import { check, inPieces, type Target } from "../target.ts";

/** QEMU's control connection: whatever it says, each command is answered or rejected. */
export const target: Target = {
  refuses: () => false,
  share: 0.5,
  words: [
    '{"return":{}}\n',
    '{"event":"STOP"}\n',
    '{"error":{"class":"x","desc":"no"}}\n',
    "null\n",
  ],
  async run(input) {
    const { pieces } = inPieces(input);
    const [ours, theirs] = duplexPair();
    const qmp = connectQmp(ours);
    let events = 0;
    qmp.on(({ event }) => {
      events++;
      check(typeof event === "string", "an event without a name");
    });
    const commands = Promise.allSettled(Array.from({ length: 3 }, () => qmp.command("stop")));
    theirs.resume();
    for (const piece of pieces) theirs.write(piece);
    theirs.end();
    for (const end of await commands)
      if (end.status === "rejected")
        check(end.reason instanceof Error && !isRaw(end.reason), `rejected with ${end.reason}`);
    check(events <= input.length, "more events than were told");
    theirs.destroy();
    ours.destroy();
  },
};

const isRaw = (error: Error): boolean => error instanceof TypeError || error instanceof RangeError;
