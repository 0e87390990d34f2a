import { constants } from "node:os";
import { RpcError } from "./connect.ts";

/** Go's words for signals, which are what E2B's clients see in `status`. */
const descriptions: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: "aborted",
  SIGALRM: "alarm clock",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
};

export function describeSignal(signal: NodeJS.Signals): string {
  return descriptions[signal] ?? `signal ${constants.signals[signal]}`;
}

export function signalName(number: number): NodeJS.Signals | undefined {
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number) return name as NodeJS.Signals;
  }
  return undefined;
}

/** The signal that a request names: `SIGNAL_SIGTERM`, `SIGTERM` or a number. */
export function parseSignal(value: unknown): NodeJS.Signals {
  const signal =
    typeof value === "number"
      ? signalName(value)
      : typeof value === "string"
        ? value.replace(/^SIGNAL_/, "")
        : undefined;
  if (signal !== undefined && Object.hasOwn(constants.signals, signal))
    return signal as NodeJS.Signals;
  throw new RpcError("unimplemented", `invalid signal: ${JSON.stringify(value) ?? "none"}`);
}
