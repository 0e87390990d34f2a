import { SandboxArchiveError } from "@openai/agents-core/sandbox";
import { checkTar } from "../../../packages/openai-agents/src/snapshots/tar.ts";
import type { Target } from "../target.ts";

const BLOCK = 512;
const limits = { maxInputBytes: 65_536, maxMembers: 20, maxExtractedBytes: 65_536 };

/** A workspace's archive, whose sums are right. */
export const target: Target = {
  refuses: (error) => error instanceof SandboxArchiveError,
  maxBytes: 16_384,
  run(input) {
    checkTar(input, limits);
    const summed = Buffer.concat([input, Buffer.alloc((BLOCK - (input.length % BLOCK)) % BLOCK)]);
    for (let at = 0; at < summed.length; at += BLOCK) {
      const header = summed.subarray(at, at + BLOCK);
      header.fill(" ", 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    }
    checkTar(summed, limits);
  },
};
