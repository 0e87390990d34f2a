import { Command, CommanderError } from "commander";
import { addBench } from "./bench.ts";
import { addBuild } from "./build.ts";
import { addDoctor } from "./doctor.ts";
import { EXIT, exitCodeOf, type Finish, reportFailure, say } from "./failure.ts";
import { addImage } from "./image.ts";
import { addInit } from "./init.ts";
import { addMcp } from "./mcp.ts";
import { addPrune } from "./prune.ts";
import { addQuickstart } from "./quickstart.ts";
import { addRun } from "./run.ts";
import { addServe } from "./serve.ts";
import { addShell } from "./shell.ts";
import { addTemplate } from "./template.ts";
import { version } from "./version.ts";
import { addApply, addDiff, addDiscard } from "./workspace/commands.ts";

/** Runs the command line; resolves to the exit code. */
export async function main(parameters: readonly string[]): Promise<number> {
  process.stderr.on("error", () => {}); // Nobody reads it any more; the work is done all the same.
  let exitCode: number = EXIT.ok;
  const program = createProgram((code) => (exitCode = code));
  try {
    await program.parseAsync([...parameters], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    reportFailure(error);
    return exitCodeOf(error);
  }
}

function createProgram(finish: Finish): Command {
  const program = new Command("emberbox")
    .description("Runs code in sandboxes on this machine, each in a virtual machine of its own.")
    .version(version)
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({ outputError: writeUsageError })
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox quickstart
  $ echo 'print(21 * 2)' | emberbox run -
  $ emberbox run plot.py --out pictures
  $ emberbox shell --workspace .
  $ emberbox doctor

Files are kept in EMBERBOX_HOME (default: ~/.cache/emberbox). EMBERBOX_DEBUG=1 shows the stacks of errors.
On a slow computer, EMBERBOX_PATIENCE=4 lets machines take four times as long to start.
An image that is missing is built when it is first used; EMBERBOX_BUILD=never forbids it.`,
    );
  const beginnings = [addQuickstart, addInit];
  const sandboxes = [addRun, addShell, addServe, addMcp];
  const images = [addBuild, addTemplate, addImage, addPrune];
  const folders = [addDiff, addApply, addDiscard];
  for (const add of [...beginnings, ...sandboxes, ...folders, addDoctor, ...images, addBench])
    add(program, finish);
  return program;
}

function writeUsageError(message: string): void {
  // The value of a misspelt option may be a secret.
  const text = message
    .replace(/^error: /, "")
    .replace(/^(unknown option '--[^=]*)=.*'/s, "$1'")
    .trimEnd();
  say(`${text}\nRun \`emberbox --help\` for usage.`);
}
