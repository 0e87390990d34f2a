import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { SdkOptions } from "../../support/endpoints.ts";

const launcher = join(import.meta.dirname, "../../../packages/emberbox/bin/emberbox.mjs");

/** `emberbox serve` as a program of its own, which can be killed. */
export interface Served {
  readonly process: ChildProcess;
  readonly options: SdkOptions;
  /** The variables that it printed, for programs with E2B's SDKs. */
  readonly variables: Readonly<Record<string, string>>;
  /** What it has logged so far. */
  log(): string;
  /** Ends it with SIGKILL, unless it has ended. */
  kill(): Promise<void>;
  /** Tells it to end, and waits for that. */
  end(): Promise<void>;
}

/** Resolves when it serves, with its state in that directory. */
export async function startServed(state: string, ...more: string[]): Promise<Served> {
  const flags = ["--port", "0", "--log-level", "warn", "--state", state, ...more];
  const child = spawn(process.execPath, [launcher, "serve", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  let log = "";
  child.stderr.on("data", (chunk) => (log += String(chunk)));
  while (printed.split("\n").length < 4) {
    const [chunk] = await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(() => Promise.reject(new Error(`the server ended: ${log}`))),
    ]);
    printed += String(chunk);
  }
  const variables = Object.fromEntries(
    [...printed.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  const endWith = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return {
    process: child,
    options: {
      apiUrl: variables["E2B_API_URL"]!,
      sandboxUrl: variables["E2B_SANDBOX_URL"]!,
      apiKey: variables["E2B_API_KEY"]!,
    },
    variables,
    log: () => log,
    kill: () => endWith("SIGKILL"),
    end: () => endWith("SIGTERM"),
  };
}
