import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import { EmberboxError, Execution, type Result, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { plainText, safeJson } from "@emberbox/core/terminal";
import { AUDIT } from "./audit.ts";
import { EXIT, exitCodeOf, type Finish, reportFailure, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { parseSeconds, parseWhole } from "./numbers.ts";
import { openOutput, type Output } from "./output.ts";
import { LIMITS, openPictures, type Pictures } from "./pictures.ts";

interface RunFlags {
  readonly language?: string;
  readonly template?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly memory?: number;
  readonly out?: string;
  readonly json?: true;
  readonly audit?: string;
}

/** Without `--timeout`, the code may run for as long as whoever started it likes, in ms. */
const LONGEST_MS = 2 ** 31 - 1;
/** How much longer a sandbox lives than its code may run, in ms. */
const MARGIN_MS = 60_000;

export function addRun(program: Command, finish: Finish): void {
  program
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
    .option("--json", "print one JSON object with everything, and nothing else, on standard output")
    .addHelpText(
      "after",
      `
Exit code: 0, or 1 when the code raised an error or could not be run, 2 for a mistake on the command line.

Examples:
  $ emberbox run analysis.py
  $ emberbox run plot.py --out pictures
  $ echo 'print(21 * 2)' | emberbox run - --json`,
    )
    .action(async (file: string | undefined, flags: RunFlags) => finish(await run(file, flags)));
}

async function run(file: string | undefined, flags: RunFlags): Promise<number> {
  const code = await readCode(file);
  const pictures = await openPictures(flags.out);
  using output = openOutput();
  using interrupt = listenForInterrupt();
  const signal = AbortSignal.any([interrupt.signal, output.broken]);
  const print = flags.json ? () => undefined : (result: Result) => printResult(result, output);
  let exitCode: number = EXIT.ok;
  try {
    const execution = await execute(code, flags, signal, {
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

type Callbacks = Pick<
  NonNullable<Parameters<Sandbox["runCode"]>[1]>,
  "onStdout" | "onStderr" | "onResult"
>;

async function execute(
  code: string,
  flags: RunFlags,
  signal: AbortSignal,
  callbacks: Callbacks,
): Promise<Execution> {
  const { language, template, timeout = 0, memory, audit } = flags;
  await using provider = microvm({ onProgress: say });
  await using sandbox = await Sandbox.create({
    provider,
    signal,
    timeoutMs: timeout === 0 ? LONGEST_MS : Math.min(timeout + MARGIN_MS, LONGEST_MS),
    ...(template !== undefined && { template }),
    ...(memory !== undefined && { memoryMB: memory }),
    ...(audit !== undefined && { audit: { directory: audit } }),
  });
  return await sandbox.runCode(code, {
    ...callbacks,
    signal,
    timeoutMs: timeout,
    ...(language !== undefined && { language }),
  });
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
