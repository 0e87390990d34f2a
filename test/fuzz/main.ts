// Gives made-up input to each parser of what a guest, QEMU or a client says. See docs/fuzzing.md.
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve as absolute } from "node:path";
import { parseArgs, styleText } from "node:util";
import type { Job, Report } from "./worker.ts";

/** An input that takes longer than this, however busy the machine is, never ends. */
const HANG_MS = 120_000;
const HEAP_MIB = 512;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    input: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const all = readdirSync(join(import.meta.dirname, "targets")).map((file) =>
  file.replace(".ts", ""),
);
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(
    `there is no target ${JSON.stringify(unknown)}; there are: ${all.join(", ")}\n`,
  );
  process.exit(2);
}

let failed = 0;
const waiting = (positionals.length > 0 ? positionals : all).values();
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exitCode = failed === 0 ? 0 : 1;

async function work(): Promise<void> {
  for (const target of waiting) {
    const report = await fuzz(target);
    tell(target, report);
    if (values.keep) for (const input of report.found) write("seeds", target, input);
  }
}

function tell(target: string, { runs, corpus, edges, milliseconds, failure }: Report): void {
  const mark = failure ? styleText("red", "FAILED") : styleText("green", "ok    ");
  const seconds = (milliseconds / 1000).toFixed(1);
  process.stdout.write(
    `${mark}  ${target.padEnd(14)}  ${runs} inputs in ${seconds} s, ${edges} steps reached, ${corpus} inputs led to new ones\n`,
  );
  if (failure === undefined) return;
  failed++;
  const file = write("failures", target, failure.input);
  process.stdout.write(`        ${failure.what}\n        the input is ${file}\n`);
}

async function fuzz(target: string): Promise<Report> {
  // In memory where there is such a place: targets write files, and a disk is slow to take each anew.
  const directory = mkdtempSync(
    join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "emberbox-fuzz-"),
  );
  const now = join(directory, "now");
  writeFileSync(now, Buffer.alloc(8));
  const job: Job = {
    target,
    now,
    runs: Number(values.runs),
    seed: Number(values.seed),
    ...(values.input !== undefined && { input: absolute(values.input) }),
  };
  // A program of its own: what ends it does not end this one.
  const worker = fork(join(import.meta.dirname, "worker.ts"), [JSON.stringify(job)], {
    execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MIB}`],
    // What targets leave in there goes with it.
    env: { ...process.env, TMPDIR: directory },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  worker
    .stderr!.setEncoding("utf8")
    .on("data", (text: string) => (said = (said + text).slice(-4000)));
  const { promise, resolve } = Promise.withResolvers<Report>();
  const failed = (what: string): void => {
    const read = readFileSync(now);
    const input = read.subarray(8, 8 + read.readUInt32LE(4));
    const runs = read.readUInt32LE(0);
    resolve({ runs, corpus: 0, edges: 0, milliseconds: 0, found: [], failure: { what, input } });
  };
  let last = { number: 0, at: Date.now() };
  const watch = setInterval(() => {
    const number = readFileSync(now).readUInt32LE(0);
    if (number !== last.number) last = { number, at: Date.now() };
    else if (Date.now() - last.at > HANG_MS) failed("it does not come to an end");
  }, 1000);
  worker.on("message", (report) => resolve(report as Report));
  worker.on("close", (code, signal) => failed(`it ended the program (${code ?? signal}): ${said}`));
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    worker.removeAllListeners().kill("SIGKILL");
    rmSync(directory, { recursive: true });
  }
}

/** Where an input is from now on. */
function write(kind: "seeds" | "failures", target: string, input: Uint8Array): string {
  const directory = join(import.meta.dirname, kind, target);
  mkdirSync(directory, { recursive: true });
  const name = createHash("sha256").update(input).digest("hex").slice(0, 16);
  writeFileSync(join(directory, name), input);
  return join(directory, name);
}
