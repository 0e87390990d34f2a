import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { within } from "@emberbox/core/concurrency";
import { PATIENCE_HINT, patience } from "../host/patience.ts";
import type { Bulk } from "@emberbox/wire";
import { descriptors } from "./arguments.ts";
import { hostBulk } from "./bulk.ts";
import { Disk } from "./disk.ts";
import { type Console, recordConsole } from "./console.ts";
import { endOrphans } from "./orphans.ts";
import { closeFiles, type OpenFiles, type ProcessOptions, startProcess } from "./process.ts";
import { connectQmp, type Qmp } from "./qmp.ts";

/** A QEMU process and the ends of its channels. */
export interface Machine {
  readonly pid: number;
  readonly qmp: Qmp;
  readonly channel: Socket;
  /** The channel of mounted volumes' requests. */
  readonly volumes: Socket;
  readonly state: Duplex;
  readonly console: Console;
  /** Open for as long as the machine runs. */
  readonly files: OpenFiles;
  readonly bulk: Bulk | undefined;
  readonly disk: Disk;
  /** Resolves when the process has ended, with what is known about why. Never rejects. */
  readonly ended: Promise<MachineEnd>;
  /** Kills the process at once; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface MachineEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of the machine's console. */
  readonly console: string;
  /** What QEMU or the jail said on standard error. */
  readonly stderr: string;
  /** Why the agent gave up, if it did. */
  readonly agent?: string | undefined;
}

const STDERR_BYTES = 8192;

const running: Set<ChildProcess> = new Set();
let sweepsAtExit = false;

/** Starts QEMU. The machine ends with this process, however that ends. */
export async function startMachine(options: ProcessOptions): Promise<Machine> {
  const { files } = options;
  const { child, cgroup, ended: processEnded } = await startProcess(options);
  endWithThisProcess(child);

  const pipe = (descriptor: number): Socket => child.stdio[descriptor as 4] as unknown as Socket;
  const console = recordConsole(pipe(descriptors.console));
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_BYTES);
  });
  const channel = pipe(descriptors.channel);
  const state = pipe(descriptors.state);
  const volumes = pipe(descriptors.volumes);
  const control = pipe(descriptors.qmp);
  let isUp = false;
  control.once("data", () => (isUp = true));
  for (const stream of [channel, state, volumes]) stream.on("error", () => {});
  // A sandbox that nobody waits for does not keep its program alive, and ends with it.
  child.unref();
  for (const stream of child.stdio) if (stream !== channel) (stream as Socket | null)?.unref();

  const ended = processEnded.then(async ({ error, exitCode, signal }): Promise<MachineEnd> => {
    running.delete(child);
    if (cgroup) background(cgroup.remove(), warning("Removing a control group"));
    if (error) return { exitCode, signal, console: "", stderr: String(error) };
    // What it said last is still being read.
    await setImmediate();
    const agent = console.agentFailure();
    return { exitCode, signal, console: console.tail(), stderr: stderr.trim(), agent };
  });
  const bulk = files.bulk === undefined ? undefined : hostBulk(files.bulk);
  const closed = ended.then(() => {
    bulk?.close();
    return closeFiles(options);
  });
  background(closed, warning("Closing a machine's files"));
  const qmp = connectQmp(control);
  return {
    pid: child.pid ?? -1,
    files,
    bulk,
    disk: new Disk(qmp, options),
    qmp,
    channel,
    volumes,
    state,
    console,
    ended,
    async kill() {
      child.ref();
      child.kill("SIGKILL");
      await ended;
      if (!isUp) await endOrphans();
      await cgroup?.remove();
      await closed;
      for (const stream of child.stdio) stream?.destroy();
    },
  };
}

/** The jail ends with its parent even on `kill -9`; an orderly exit need not wait for that. */
function endWithThisProcess(child: ChildProcess): void {
  running.add(child);
  if (sweepsAtExit) return;
  sweepsAtExit = true;
  process.on("exit", () => {
    for (const each of running) each.kill("SIGKILL");
  });
}

/** The error for a machine that ended unexpectedly. */
export function machineError(
  code: "boot_failed" | "sandbox_died",
  what: string,
  end: MachineEnd,
): EmberboxError {
  const how = end.signal ? `signal ${end.signal}` : `exit code ${end.exitCode}`;
  const said = [end.stderr, end.console].filter(Boolean).join("\n");
  const missing = /ENOENT/.test(end.stderr) && end.exitCode === null;
  if (missing)
    return new EmberboxError("tool_missing", `${what}: ${end.stderr}`, { details: { ...end } });
  if (end.agent !== undefined)
    return new EmberboxError(code, `${what}: the agent in it gave up: ${end.agent}`, {
      details: { ...end },
    });
  return new EmberboxError(code, `${what} (${how})${said ? `:\n${said}` : ""}`, {
    details: { ...end },
  });
}

/** The error for a machine that had `limitMs`, as `patiently` counts them, to start. */
export function lateError(
  who: string,
  failing: string,
  limitMs: number,
  { console }: Machine,
): EmberboxError {
  const seconds = (limitMs / 1000) * patience();
  return new EmberboxError(
    "boot_failed",
    `${who} had the processor for ${seconds} s and ${failing}:\n${console.tail()}`,
    { hint: PATIENCE_HINT },
  );
}

/** How long to wait for the news of QEMU's end after its channel has broken, in ms. */
const NEWS_MS = 1000;

/** The better error when a machine's channel broke: why the machine ended, if it did. */
export async function explainFailure(
  error: unknown,
  machine: Machine,
  code: "boot_failed" | "sandbox_died",
  what: string,
): Promise<unknown> {
  if (EmberboxError.isInstance(error)) return error;
  const end = await within(NEWS_MS, machine.ended, () => undefined);
  return end === undefined ? error : machineError(code, what, end);
}
