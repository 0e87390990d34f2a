import { Presets, SingleBar } from "cli-progress";
import { inWords, type Progress } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { say } from "./failure.ts";

/** Shows the progress of an image on standard error: a bar on a terminal, lines elsewhere. */
export interface ImageDisplay {
  show(progress: Progress): void;
  end(): void;
}

export function imageDisplay(): ImageDisplay {
  return process.stderr.isTTY ? bar() : { show: inWords(say), end() {} };
}

function bar(): ImageDisplay {
  let shown: SingleBar | undefined;
  return {
    show({ step, fraction, message }) {
      if (shown === undefined) {
        const format = "image {bar} {percentage} % | {duration_formatted} | {step}";
        shown = new SingleBar(
          { format, hideCursor: true, barsize: 30, stream: process.stderr },
          Presets.shades_classic,
        );
        shown.start(1, 0, { step });
      }
      shown.update(fraction, { step: oneLine(message ?? step).slice(0, 50) });
    },
    end() {
      shown?.stop();
      shown = undefined;
    },
  };
}
