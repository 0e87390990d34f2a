import { randomBytes } from "node:crypto";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const BYTES = 64 * 1024 * 1024;
const PATH = "/home/user/transfer.bin";
const SMALL = Array.from({ length: 1000 }, (_, index) => ({
  path: `/home/user/small/${index}`,
  data: String(index).padEnd(4096, "."),
}));
const megabytesPerSecond = (since: number): number => BYTES / 1e6 / (milliseconds(since) / 1000);

export const transfer: GroupPlan = {
  ids: ["upload", "download", "files_1000"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    const provider = microvm();
    const sandbox = await Sandbox.create({ provider });
    const data = randomBytes(BYTES);
    await sandbox.files.write(PATH, data);
    return {
      samplers: {
        async upload() {
          await sandbox.files.remove(PATH);
          const started = performance.now();
          await sandbox.files.write(PATH, data);
          return megabytesPerSecond(started);
        },
        async download() {
          const started = performance.now();
          const read = await sandbox.files.read(PATH, { format: "bytes" });
          const rate = megabytesPerSecond(started);
          if (!data.equals(read)) throw new Error("what came back is not what was sent");
          return rate;
        },
        async files_1000() {
          const started = performance.now();
          await sandbox.files.write(SMALL);
          const read = await sandbox.files.read(SMALL.map(({ path }) => path));
          const taken = milliseconds(started);
          if (read.some((text, index) => text !== SMALL[index]!.data))
            throw new Error("what came back is not what was sent");
          return taken / 1000;
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
