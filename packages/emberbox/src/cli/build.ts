import { SingleBar, Presets } from "cli-progress";
import type { Command } from "commander";
import { prepare } from "@emberbox/microvm/internal";
import { EXIT, say } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { Finish } from "./program.ts";

export function addBuild(program: Command, finish: Finish): void {
  program
    .command("build")
    .summary("build the guest image and warm the default template")
    .description(
      "Builds the guest image and warms the default template, unless they are there. It can be interrupted and repeated.",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox build
  $ EMBERBOX_HOME=/srv/emberbox emberbox build`,
    )
    .action(async () => finish(await build()));
}

async function build(): Promise<number> {
  using interrupt = listenForInterrupt();
  const display = process.stderr.isTTY ? bar() : lines();
  try {
    const { image, template } = await prepare({
      onImage: ({ step, fraction, message }) => display.image(step, fraction, message),
      onTemplate: (step) => {
        display.end();
        say(step);
      },
      signal: interrupt.signal,
    });
    display.end();
    process.stdout.write(`image     ${image.directory}\ntemplate  ${template.directory}\n`);
    return EXIT.ok;
  } catch (error) {
    display.end();
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

/** Shows how far the image is. */
interface Display {
  image(step: string, fraction: number, message: string | undefined): void;
  end(): void;
}

function bar(): Display {
  let shown: SingleBar | undefined;
  return {
    image(step, fraction, message) {
      if (shown === undefined) {
        const format = "image {bar} {percentage} % | {duration_formatted} | {step}";
        shown = new SingleBar(
          { format, hideCursor: true, barsize: 30, stream: process.stderr },
          Presets.shades_classic,
        );
        shown.start(1, 0, { step });
      }
      shown.update(fraction, { step: (message ?? step).slice(0, 50) });
    },
    end() {
      shown?.stop();
      shown = undefined;
    },
  };
}

function lines(): Display {
  let last: string | undefined;
  return {
    image(step, fraction) {
      if (step === last) return;
      last = step;
      say(`image, ${Math.round(fraction * 100)} %: ${step}`);
    },
    end() {},
  };
}
