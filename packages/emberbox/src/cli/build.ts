import { SingleBar, Presets } from "cli-progress";
import type { Command } from "commander";
import { type Preparation, prepare, templateInfos } from "@emberbox/microvm/internal";
import { oneLine } from "@emberbox/core/terminal";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

const names = templateInfos.map(({ name }) => name);

export function addBuild(program: Command, finish: Finish): void {
  program
    .command("build")
    .summary("build a template: its disk image, and a warm machine to restore")
    .description(
      "Builds a template's disk image and warms a machine, unless that is done already. It can be interrupted and repeated.",
    )
    .argument("[TEMPLATE]", `one of: ${names.join(", ")}`, parseTemplate, "default")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox build
  $ emberbox build ${names.at(-1)}
  $ EMBERBOX_HOME=/srv/emberbox emberbox build`,
    )
    .action(async (template: string) => finish(await build(template)));
}

function parseTemplate(name: string): string {
  if (names.includes(name)) return name;
  throw new UsageError(
    `there is no template \`${name}\``,
    `The templates are: ${names.join(", ")}.`,
  );
}

async function build(name: string): Promise<number> {
  using interrupt = listenForInterrupt();
  try {
    const { image, template } = await prepareShown(name, interrupt.signal);
    process.stdout.write(`image     ${image.directory}\ntemplate  ${template.directory}\n`);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

/** Builds a template, and shows on standard error how far it is. */
export async function prepareShown(template: string, signal: AbortSignal): Promise<Preparation> {
  const display = process.stderr.isTTY ? bar() : lines();
  try {
    return await prepare({
      template,
      onImage: ({ step, fraction, message }) => display.image(step, fraction, message),
      onTemplate: (step) => {
        display.end();
        say(step);
      },
      signal,
    });
  } finally {
    display.end();
  }
}

/** Shows the progress of the image. */
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
      shown.update(fraction, { step: oneLine(message ?? step).slice(0, 50) });
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
