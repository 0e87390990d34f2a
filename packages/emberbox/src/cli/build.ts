import type { Command } from "commander";
import { type Preparation, prepare, prepareReady } from "@emberbox/microvm/internal";
import { EXIT, type Finish, say } from "./failure.ts";
import { imageDisplay } from "./image-display.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { parseTemplateOrRecipe, readyNames, templateNames } from "./template-name.ts";

export function addBuild(program: Command, finish: Finish): void {
  program
    .command("build")
    .summary("build a template: its disk image, and a warm machine to restore")
    .description(
      "Builds a template's disk image and warms a machine, unless that is done already. It can be interrupted and repeated.",
    )
    .argument(
      "[TEMPLATE]",
      `one of: ${[...templateNames, ...readyNames].join(", ")}`,
      parseTemplateOrRecipe,
      "default",
    )
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox build
  $ emberbox build ${templateNames.at(-1)}
  $ EMBERBOX_HOME=/srv/emberbox emberbox build`,
    )
    .action(async (template: string) => finish(await build(template)));
}

async function build(name: string): Promise<number> {
  using interrupt = listenForInterrupt();
  try {
    if (readyNames.includes(name)) {
      await prepareReady(name, { onTemplate: say, signal: interrupt.signal });
      process.stdout.write(`template  ${name}\n`);
      return EXIT.ok;
    }
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
  const display = imageDisplay();
  try {
    return await prepare({
      template,
      evenIfForbidden: true,
      onImage: (progress) => display.show(progress),
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
