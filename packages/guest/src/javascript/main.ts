/** One JavaScript or TypeScript context: a process that runs cells one after another. */
import { Console } from "node:console";
import { once } from "node:events";
import { Socket } from "node:net";
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { HEADER_BYTES, TO_KERNEL } from "../kernel-frames.ts";
import { Channel } from "./channel.ts";
import { Kernel } from "./kernel.ts";
import { guardTimers } from "./abandoned.ts";
import { provideDisplay } from "./display.ts";
import { provideNoKeyboard } from "./keyboard.ts";
import { provideModules } from "./modules.ts";
import { drawNoneAhead, reseed } from "./random.ts";

/** Descriptors that the agent provides: frames both ways, and interrupts. */
const [FRAMES, INTERRUPTS] = [3, 4];

process.argv.length = 1;
process.execArgv = [];
process.title = "javascript";

const channel = new Channel(FRAMES);
const running = new Int32Array(new SharedArrayBuffer(12));
const kernel = new Kernel({ channel, running });

speakOn("stdout");
speakOn("stderr");
// The default one reports every line to inspectors, and keeps the last thousand for them.
globalThis.console = new Console({
  stdout: process.stdout,
  stderr: process.stderr,
  colorMode: false,
});
provideModules();
provideDisplay(channel);
drawNoneAhead();
guardTimers();
provideNoKeyboard((error) => kernel.giveUp(error));

process.on("exit", () => {
  channel.flush();
  kernel.close();
});
process.on("SIGINT", () => undefined);
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => kernel.stray(error));

let received: Buffer = Buffer.alloc(0);
new Socket({ fd: FRAMES }).on("data", take).on("close", () => process.kill(process.pid, "SIGKILL"));
reseed();
await kernel.warm();
await watch();
channel.ready("");

/** Resolves when the interrupting thread is ready: until then, code could not be stopped. */
async function watch(): Promise<void> {
  const workerData = { running, descriptor: INTERRUPTS };
  const options = { workerData, stdout: false, stderr: false, execArgv: [], env: {} };
  const watchdog = new Worker(
    join(import.meta.dirname, `watchdog${extname(import.meta.filename)}`),
    options,
  );
  watchdog.on("message", (execution: number) => kernel.interrupt(execution));
  watchdog.on("error", () => undefined);
  watchdog.unref();
  await once(watchdog, "message");
}

function take(chunk: Buffer): void {
  received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
  while (received.length >= HEADER_BYTES) {
    const end = HEADER_BYTES + received.readUInt32BE(0);
    if (received.length < end) return;
    const kind = received[4]!;
    const payload = received.subarray(HEADER_BYTES, end);
    received = received.subarray(end);
    handle(kind, payload);
  }
}

interface Part {
  readonly language: string;
  readonly cwd: string;
  readonly envs: Record<string, string>;
}

/** This process may have waited in a snapshot. Returns what is wrong with its part, or an empty string. */
function become({ language, cwd, envs }: Part): string {
  try {
    process.chdir(cwd);
  } catch (error) {
    return `${cwd}: ${(error as Error).message}`;
  }
  process.env["PWD"] = cwd;
  process.title = language;
  kernel.isTypeScript = language === "typescript";
  kernel.restored(envs);
  return "";
}

function handle(kind: number, payload: Buffer): void {
  switch (kind) {
    case TO_KERNEL.execute: {
      const start = 4 + payload.readUInt32BE(0);
      const envs = payload.toString("utf8", 4, start);
      return kernel.execute(payload.toString("utf8", start), envs === "" ? {} : JSON.parse(envs));
    }
    case TO_KERNEL.become:
      return channel.ready(become(JSON.parse(payload.toString()) as Part));
    case TO_KERNEL.restored:
      return kernel.restored(
        (JSON.parse(payload.toString()) as { env: Record<string, string> }).env,
      );
    case TO_KERNEL.reset:
      return kernel.reset();
  }
}

/** Sends standard streams to the agent as they are written, in order with results. */
function speakOn(name: "stdout" | "stderr"): void {
  const decoder = new TextDecoder();
  const write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    const text =
      typeof chunk !== "string"
        ? decoder.decode(chunk, { stream: true })
        : typeof encoding === "string" && !/^utf-?8$/i.test(encoding)
          ? Buffer.from(chunk, encoding as BufferEncoding).toString()
          : chunk;
    channel.text(name, text);
    const done = typeof encoding === "function" ? encoding : callback;
    if (typeof done === "function") process.nextTick(done as () => void);
    return true;
  };
  process[name].write = write as typeof process.stdout.write;
}
