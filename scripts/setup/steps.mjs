import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Ends the set-up with a message that says what to do. */
export class StepFailed extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

let interrupted;
let running;

/** Writes to standard error: standard output belongs to what is run at the end. */
export function note(line) {
  process.stderr.write(`${line}\n`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/**
 * Runs a program to its end. `quiet` keeps its output for the message of a failure; `stdout: "stderr"` redirects it.
 * Returns the exit code, which is 0 unless `mayFail`.
 */
export async function command(
  title,
  [program, ...parameters],
  { quiet = false, mayFail = false, stdout = "inherit", cwd = root, env = {} } = {},
) {
  if (interrupted) throw new StepFailed("interrupted", signalCode(interrupted));
  const started = performance.now();
  note(`▸ ${title}`);
  const output = [];
  const outputs = quiet ? ["pipe", "pipe"] : [stdout === "stderr" ? 2 : "inherit", "inherit"];
  running = spawn(program, parameters, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["inherit", ...outputs],
  });
  for (const stream of [running.stdout, running.stderr])
    stream?.on("data", (chunk) => keepTail(output, chunk));
  const code = await ended(running, program);
  running = undefined;
  if (interrupted)
    throw new StepFailed(
      `${title}: interrupted; run the same command again to go on`,
      signalCode(interrupted),
    );
  note(
    code === 0
      ? `✓ ${title} (${seconds(started)})`
      : `✗ ${title} (exit code ${code}, ${seconds(started)})`,
  );
  if (code === 0 || mayFail) return code;
  const tail = Buffer.concat(output).toString().trim().split("\n").slice(-25).join("\n");
  throw new StepFailed(quiet ? `${tail}\n${program} failed` : `${title} failed, see above`, code);
}

const TAIL_BYTES = 65_536;

function keepTail(chunks, chunk) {
  chunks.push(chunk);
  while (chunks.length > 1 && chunks.reduce((sum, each) => sum + each.length, 0) > TAIL_BYTES)
    chunks.shift();
}

function ended(child, program) {
  return new Promise((resolve, reject) => {
    child.on("error", (error) =>
      reject(new StepFailed(`${program} cannot be started: ${error.message}`, 127)),
    );
    child.on("close", (code, signal) => resolve(code ?? signalCode(signal)));
  });
}

function signalCode(signal) {
  return 128 + (constants.signals[signal] ?? 0);
}

/** Runs `work` and ends the process with its outcome. On a signal, the running child is ended first. */
export async function finish(work) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // The second signal is not patient.
      running?.kill(interrupted ? "SIGKILL" : signal);
      interrupted ??= signal;
    });
  }
  try {
    await work();
    process.exitCode = 0;
  } catch (error) {
    note(`\n${error instanceof StepFailed ? error.message : error.stack}`);
    process.exitCode = error.exitCode ?? 1;
  }
}
