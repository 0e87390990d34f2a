import { EmberboxError } from "../errors.ts";
import {
  parseArgument,
  parseOptions,
  pid as pidSchema,
  requestOptions,
  type RequestOptions,
} from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { Signal, type ProcessSelector } from "../wire/generated/process_pb.ts";
import { callRpc } from "../wire/rpc-call.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { ProcessControl } from "./handle.ts";

type Selector = { readonly selector: Exclude<ProcessSelector["selector"], { case: undefined }> };

/** The kind of input that a process reads. */
export type InputKind = "stdin" | "pty";

/** Controls running processes by id. */
export function processControl(
  connection: SandboxConnection,
  rpc: Rpc,
  input: InputKind,
): ProcessControl {
  return {
    async kill(pid, options) {
      const request = { process: selectPid(pid), signal: Signal.SIGKILL };
      const checked = parseOptions(requestOptions, options);
      try {
        await callRpc(connection, checked, "process_not_found", (call) =>
          rpc.process.sendSignal(request, call),
        );
        return true;
      } catch (error) {
        if (EmberboxError.isInstance(error) && error.code === "process_not_found") return false;
        throw error;
      }
    },

    async sendInput(pid, data, options) {
      const value = bytesOf(data);
      const request = { process: selectPid(pid), input: { input: { case: input, value } } };
      const checked = parseOptions(requestOptions, options);
      await callRpc(connection, checked, "process_not_found", (call) =>
        rpc.process.sendInput(request, call),
      );
    },

    async closeStdin(pid, options) {
      const request = { process: selectPid(pid) };
      const checked = parseOptions(requestOptions, options);
      await callRpc(connection, checked, "process_not_found", (call) =>
        rpc.process.closeStdin(request, call),
      );
    },
  };
}

export function selectPid(pid: number): Selector {
  return { selector: { case: "pid", value: parseArgument(pidSchema, "pid", pid) } };
}

/**
 * Kills a process whose call is over, without waiting for the outcome: the sandbox confirms it, is gone, or the request
 * times out.
 */
export function killInBackground(control: ProcessControl): (pid: number) => void {
  return (pid) =>
    void control.kill(pid, { requestTimeoutMs: 10_000 } satisfies RequestOptions).catch(() => {});
}

function bytesOf(data: string | Uint8Array): Uint8Array<ArrayBuffer> {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return new Uint8Array(data);
  throw new EmberboxError("invalid_argument", "Expected `data` to be a string or bytes");
}
