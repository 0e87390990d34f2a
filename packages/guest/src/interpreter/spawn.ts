import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { getSystemErrorMessage } from "node:util";
import { exposeToOomKiller, inUserCgroup } from "../cgroup.ts";
import { createPipeMaker, type PipeMaker } from "../envd/pipes.ts";
import { withRightsOf } from "../envd/rights.ts";
import type { User } from "../envd/users.ts";
import { environmentOf } from "./environment.ts";
import type { KernelOptions } from "./language.ts";

export interface KernelProcess {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What comes out of descriptors 1 and 2. */
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** The agent's ends of descriptors 3 and 4. */
  readonly frames: Socket;
  readonly control: Socket;
}

let pipes: PipeMaker | undefined;

/** Starts a kernel as its user, in the control group of user code, leading a process group. */
export async function spawnKernel(
  command: string,
  args: readonly string[],
  { cwd, envs, user }: KernelOptions,
  stdin: "pipe" | "ignore",
): Promise<KernelProcess> {
  demandEntry(cwd, user);
  pipes ??= createPipeMaker();
  const [stdout, stderr] = [pipes.output(), pipes.output()];
  try {
    const child = inUserCgroup(() =>
      spawn(command, args, {
        cwd,
        env: { ...environmentOf(user), ...envs, PWD: cwd },
        ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
        detached: true,
        stdio: [stdin, stdout.theirs, stderr.theirs, "pipe", "pipe"],
      }),
    );
    if (child.pid === undefined)
      throw await new Promise<Error>((resolve) => child.once("error", resolve));
    child.on("error", () => undefined);
    exposeToOomKiller(child.pid);
    const [, , , frames, control] = child.stdio as unknown as Socket[];
    for (const socket of [child.stdin, frames!, control!, stdout.ours, stderr.ours])
      socket?.on("error", () => undefined);
    return {
      process: child,
      pid: child.pid,
      stdout: stdout.ours,
      stderr: stderr.ours,
      frames: frames!,
      control: control!,
    };
  } catch (error) {
    stdout.ours.destroy();
    stderr.ours.destroy();
    throw error;
  } finally {
    closeSync(stdout.theirs);
    closeSync(stderr.theirs);
  }
}

/** A process is put into its directory with the agent's rights, before it becomes the user's. */
export function demandEntry(directory: string, user: User): void {
  if (process.getuid?.() !== 0 || user.uid === 0 || directory === user.home) return;
  try {
    withRightsOf(user, () => statSync(`${directory}/.`));
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new Error(`${user.name} cannot enter ${directory}: ${getSystemErrorMessage(errno)}`, {
      cause: error,
    });
  }
}
