import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SandboxConnection } from "../provider.ts";
import type { StartRequestSchema } from "../wire/generated/process_pb.ts";
import type { Rpc } from "../wire/rpc.ts";
import { killInBackground, selectPid } from "./control.ts";
import { CommandHandle, type ProcessControl } from "./handle.ts";
import { openProcess, type OpenedProcess, type StreamOptions } from "./stream.ts";

type OpenOptions = Omit<StreamOptions, "open" | "kill" | "timeoutMs"> & {
  /** @default 0 */
  readonly timeoutMs?: number | undefined;
};

/** Starts processes, and connects to running ones. */
export interface ProcessOpener {
  start(
    request: MessageInitShape<typeof StartRequestSchema>,
    options: OpenOptions,
  ): Promise<OpenedProcess>;
  connect(pid: number, options: OpenOptions): Promise<CommandHandle>;
}

/** What a login shell is started with for a command line, whichever characters it begins with. */
export function commandLine(line: string): { cmd: string; args: string[] } {
  const isLikeAnOption = /^[-+]/.test(line);
  return { cmd: "/bin/bash", args: ["-l", "-c", ...(isLikeAnOption ? ["--"] : []), line] };
}

export function processOpener(
  connection: SandboxConnection,
  rpc: Rpc,
  control: ProcessControl,
): ProcessOpener {
  return {
    start: (request, { timeoutMs = 0, ...options }) =>
      openProcess(connection, {
        ...options,
        timeoutMs,
        kill: killInBackground(control),
        open: (call) => rpc.process.start(request, call),
      }),
    async connect(pid, { timeoutMs = 0, ...options }) {
      const process = selectPid(pid);
      const { stream } = await openProcess(connection, {
        ...options,
        timeoutMs,
        open: (call) => rpc.process.connect({ process }, call),
      });
      return new CommandHandle(pid, stream, control);
    },
  };
}
