import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const LINES = 10_000;
const PNG_BYTES = 1_000_000;
/** A picture of noise, which does not compress, drawn once. */
const DRAW = `
import io, numpy, matplotlib.image
from IPython.display import Image
side = 512
buffer = io.BytesIO()
matplotlib.image.imsave(buffer, numpy.random.rand(side, side, 4), format="png")
png = buffer.getvalue()
picture = Image(png + bytes(max(0, ${PNG_BYTES} - len(png))))
`;

/** Calls with a lot of output. */
export const output: GroupPlan = {
  ids: ["print_lines", "png_result"],
  rounds: 9,
  warmUp: 2,
  async begin() {
    const provider = microvm();
    const sandbox = await Sandbox.create({ provider });
    const { error } = await sandbox.runCode(DRAW);
    if (error) throw new Error(error.traceback);
    return {
      samplers: {
        async print_lines() {
          let lines = 0;
          const started = performance.now();
          await sandbox.runCode(`for i in range(${LINES}): print("line", i)`, {
            onStdout: ({ line }) => void (lines += line.split("\n").length - 1),
          });
          const rate = LINES / (milliseconds(started) / 1000);
          if (lines !== LINES) throw new Error(`${lines} of ${LINES} lines came`);
          return rate;
        },
        async png_result() {
          const started = performance.now();
          const { results } = await sandbox.runCode("picture");
          const duration = milliseconds(started);
          const bytes = Buffer.byteLength(results[0]?.png ?? "", "base64");
          if (bytes < PNG_BYTES) throw new Error(`the picture has ${bytes} bytes`);
          return duration;
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
