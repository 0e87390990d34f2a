import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";

/** Whose the servers are, and where they and what they print go. */
export interface Place {
  /** The account that they run as. @default the gateway's own */
  readonly user?: string;
  readonly home: string;
  /** Where servers are installed. */
  readonly root: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
}

/** The same command, run as the servers' account. */
export function asUser({ user }: Place, { command, args, cwd }: Command): Command {
  if (user === undefined) return { command, args, cwd };
  const become = ["--reuid", user, "--regid", user, "--init-groups", "--"];
  return { command: "setpriv", args: [...become, command, ...args], cwd };
}

/** The variables of the sandbox, without the gateway's own. */
export function environmentOf({ user, home }: Place): Record<string, string> {
  const { GATEWAY_ACCESS_TOKEN: _, ...rest } = process.env;
  const known = Object.entries(rest).filter((entry): entry is [string, string] => !!entry[1]);
  return { ...Object.fromEntries(known), HOME: home, ...(user && { USER: user, LOGNAME: user }) };
}

/** How long an installation may print nothing. */
const SILENCE_MS = 300_000;
const KEPT = 2000;

/** Runs a command to its end, which comes at once with the signal. It may take as long as it prints something. */
export async function runToEnd(
  place: Place,
  asked: Command,
  { log, signal }: { readonly log: Writable; readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const { command, args, cwd } = asUser(place, asked);
  const child = spawn(command, args, {
    cwd: cwd ?? place.home,
    env: environmentOf(place),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  let isSilent = false;
  const end = (): void => killGroup(child);
  signal.addEventListener("abort", end);
  const timer = setTimeout(() => {
    isSilent = true;
    killGroup(child);
  }, SILENCE_MS);
  const onData = (chunk: Buffer): void => {
    timer.refresh();
    log.write(chunk);
    printed = (printed + String(chunk)).slice(-KEPT);
  };
  child.stdout.on("data", onData);
  child.stderr.on("data", onData);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code === 0) return;
    const how = isSilent ? "printed nothing for too long" : `ended with ${code ?? "a signal"}`;
    throw new Error(`${[asked.command, ...asked.args].join(" ")} ${how}: ${printed.trim()}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
