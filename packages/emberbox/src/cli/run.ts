import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { EmberboxError, Execution, type Result, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { plainText, safeJson } from "@emberbox/core/terminal";
import { AUDIT } from "./audit.ts";
import { LONGEST_MS } from "./durations.ts";
import { EXIT, exitCodeOf, type Finish, reportFailure, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { parseSeconds, parseWhole } from "./numbers.ts";
import { openOutput, type Output } from "./output.ts";
import { LIMITS, openPictures, type Pictures } from "./pictures.ts";
import {
  addWorkspaceFlags,
  refuseWithoutWorkspace,
  type WorkspaceFlags,
  workspaceOf,
} from "./workspace/flags.ts";
import { HeldSandbox } from "./workspace/held.ts";
import {
  type Applying,
  APPLYING,
  endOfWorkspace,
  refuseToAsk,
  sayLeftOut,
} from "./workspace/review.ts";

interface RunFlags extends WorkspaceFlags {
  readonly apply?: Applying;
  readonly keep?: true;
  readonly language?: string;
  readonly template?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly memory?: number;
  readonly out?: string;
  readonly json?: true;
  readonly audit?: string;
}

/** How much longer a sandbox lives than its code may run, in ms. */
const MARGIN_MS = 60_000;

export function addRun(program: Command, finish: Finish): void {
  const command = program
    .command("run")
    .summary("run code in a fresh sandbox")
    .description(
      "Runs a file, or code from standard input, in a fresh sandbox and streams what it prints.",
    )
    .argument("[FILE]", "the code; - is standard input")
    .option("-l, --language <L>", "language of the code (default: python)")
    .option("--template <NAME>", "template of the sandbox (default: default)")
    .option(
      "-t, --timeout <S>",
      "stop the code after this many seconds; 0 means never (default: 0)",
      parseSeconds,
    )
    .option("-m, --memory <MB>", "memory of the sandbox in MiB (default: 1024)", parseWhole)
    .option("-o, --out <DIR>", "save pictures here, and say where")
    .option("--audit <DIR>", AUDIT)
    .option(
      "--json",
      "print one JSON object with everything, and nothing else, on standard output",
    );
  addWorkspaceFlags(command)
    .addOption(
      new Option(
        "--apply <A>",
        "apply what changed in the folder: yes, ask or no (default: ask on a terminal, otherwise no)",
      ).choices(APPLYING),
    )
    .option("--keep", "pause the sandbox in the end, instead of ending it, to apply changes later")
    .addHelpText(
      "after",
      `
With --workspace, the code begins in the folder, and what changed there is said in the end.

Exit code: 0, or 1 when the code raised an error or could not be run, 2 for a mistake on the command line.

Examples:
  $ emberbox run analysis.py
  $ emberbox run plot.py --out pictures
  $ echo 'print(21 * 2)' | emberbox run - --json
  $ echo 'npm test' | emberbox run - --language bash --workspace . --apply no`,
    )
    .action(async (file: string | undefined, flags: RunFlags) => finish(await run(file, flags)));
}

async function run(file: string | undefined, flags: RunFlags): Promise<number> {
  refuseToAsk(flags.apply);
  if (workspaceOf(flags) === undefined) refuseWithoutWorkspace({ apply: flags.apply });
  const code = await readCode(file);
  const pictures = await openPictures(flags.out);
  using output = openOutput();
  using interrupt = listenForInterrupt();
  const signal = AbortSignal.any([interrupt.signal, output.broken]);
  const print = flags.json ? () => undefined : (result: Result) => printResult(result, output);
  let exitCode: number = EXIT.ok;
  try {
    const { execution, isWell } = await execute(code, flags, signal, output, {
      onStdout: ({ line }) => (flags.json ? undefined : output.write(line)),
      onStderr: ({ line }) => (flags.json ? undefined : output.writeError(line)),
      onResult: async (result) => {
        await pictures.save(result);
        await print(result);
      },
    });
    if (flags.json) await printJson(execution, output);
    if (execution.error) {
      exitCode = EXIT.failed;
      if (!flags.json) printTraceback(execution.error.traceback, output);
    }
    if (!isWell) exitCode = EXIT.failed;
  } catch (error) {
    output.end();
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if (output.broken.aborted) return EXIT.brokenPipe;
    if (flags.json) await printJson(failedExecution(error), output);
    reportFailure(error);
    exitCode = exitCodeOf(error);
  }
  output.end();
  if (!flags.json) sayPictures(pictures);
  sayDropped(pictures);
  return exitCode;
}

type RunCodeOptions = NonNullable<Parameters<Sandbox["runCode"]>[1]>;
type Callbacks = Pick<RunCodeOptions, "onStdout" | "onStderr" | "onResult">;

async function execute(
  code: string,
  flags: RunFlags,
  signal: AbortSignal,
  output: Output,
  callbacks: Callbacks,
): Promise<{ execution: Execution; isWell: boolean }> {
  const { language, template, timeout = 0, memory, audit, keep = false, apply } = flags;
  const workspace = workspaceOf(flags);
  await using provider = microvm({ onProgress: say });
  const sandbox = await Sandbox.create({
    provider,
    signal,
    timeoutMs:
      timeout === 0 || workspace !== undefined
        ? LONGEST_MS
        : Math.min(timeout + MARGIN_MS, LONGEST_MS),
    ...(template !== undefined && { template }),
    ...(memory !== undefined && { memoryMB: memory }),
    ...(workspace !== undefined && { workspace }),
    ...(audit !== undefined && { audit: { directory: audit } }),
  });
  await using held = new HeldSandbox(sandbox);
  if (workspace !== undefined) sayLeftOut(sandbox);
  let isWell = true;
  let execution: Execution;
  try {
    execution = await sandbox.runCode(code, {
      ...callbacks,
      signal,
      timeoutMs: timeout,
      ...(await placeOf(sandbox, language)),
    });
  } finally {
    // Also of code that failed: what it changed may be wanted.
    output.end();
    if (workspace !== undefined) isWell = await endOfWorkspace(held, { apply, keep, signal });
    else if (keep) await held.keep();
  }
  return { execution, isWell };
}

/** Where code runs: in the folder, if there is one. */
async function placeOf(
  sandbox: Sandbox,
  language: string | undefined,
): Promise<Pick<RunCodeOptions, "context" | "language">> {
  const cwd = sandbox.workspaces[0]?.guest;
  if (cwd !== undefined) return { context: await sandbox.createCodeContext({ cwd, language }) };
  return language === undefined ? {} : { language };
}

async function readCode(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError(
      "there is nothing to run",
      "Name a file, or pipe the code in: echo 'print(1)' | emberbox run -",
    );
  }
  if (file === undefined || file === "-") return (await buffer(process.stdin)).toString();
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** The value as text; a picture's text says nothing. */
function printResult(result: Result, output: Output): Promise<void> | undefined {
  const isPicture = (result.png ?? result.jpeg ?? result.svg ?? result.pdf) !== undefined;
  return result.text === undefined || isPicture ? undefined : output.write(`${result.text}\n`);
}

/** With its colours on a terminal, without them otherwise. */
function printTraceback(traceback: string, output: Output): void {
  output.writeError(`${process.stderr.isTTY ? traceback : plainText(traceback)}\n`);
}

function printJson(value: object, output: Output): Promise<void> | undefined {
  return output.write(`${safeJson(JSON.stringify(value))}\n`);
}

function sayPictures({ saved, seen, dropped }: Pictures): void {
  for (const path of saved) say(`saved ${path}`);
  if (saved.length + dropped === 0 && seen > 0)
    say(`${pictureCount(seen)} made; --out DIR saves them`);
}

function sayDropped({ dropped }: Pictures): void {
  if (dropped === 0) return;
  const [one, all] = [LIMITS.bytes, LIMITS.allBytes].map((bytes) => `${bytes / 1024 / 1024} MiB`);
  say(
    `${pictureCount(dropped)} not saved: --out takes ${LIMITS.pictures} pictures, ${one} each and ${all} together`,
  );
}

function pictureCount(count: number): string {
  return count === 1 ? "a picture was" : `${count} pictures were`;
}

/** What `--json` prints when the call failed: the execution so far, and why it failed. */
function failedExecution(error: unknown): Record<string, unknown> {
  const known = EmberboxError.isInstance(error);
  const execution =
    (known ? error.details["execution"] : undefined) ??
    new Execution({ results: [], logs: { stdout: [], stderr: [] } });
  const failure = {
    message: error instanceof Error ? error.message : String(error),
    ...(known && { code: error.code, hint: error.hint }),
  };
  return { ...(execution as Execution).toJSON(), failure };
}
