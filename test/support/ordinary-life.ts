// What an ordinary user does with a sandbox; see `ordinary-user.test.ts`.
import { readFileSync } from "node:fs";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { machinesOf } from "./processes.ts";

export interface Life {
  /** The accounts that QEMU runs as. */
  readonly users: string[];
  readonly answers: (string | undefined)[];
}

/** Creates a sandbox, runs code, saves it, and goes on with it. */
export async function live(umask = 0o022): Promise<Life> {
  process.umask(umask);
  await using provider = microvm({ standby: false });
  const sandbox = await Sandbox.create({ provider });
  const first = await sandbox.runCode("kept = 40; kept + 2");
  const users = machinesOf().map(({ pid }) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return /^Uid:\s+(\d+)/m.exec(status)![1]!;
  });
  await sandbox.pause();
  const resumed = await Sandbox.connect(sandbox.sandboxId, { provider });
  const second = await resumed.runCode("kept + 3");
  await resumed.kill();
  return { users, answers: [first.text, second.text] };
}
