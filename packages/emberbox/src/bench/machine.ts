import { execFile } from "node:child_process";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./results.ts";

/** Describes the machine that a result came from. */
export async function describeMachine(qemu: string): Promise<Omit<Machine, "load">> {
  const { stdout } = await promisify(execFile)(qemu, ["--version"]);
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    qemu: /version (\S+)/.exec(stdout)?.[1] ?? "unknown",
  };
}
