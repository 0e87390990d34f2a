import type { Sandbox } from "@emberbox/core";
import {
  type CallCheckpoints,
  keepOf,
  putAt,
  queueOf,
  type SandboxPosition,
  Trail,
} from "@emberbox/core/tools";
import { callSignal } from "./abort.ts";
import { ADAPTER } from "./options.ts";

/** How the calls of a session leave checkpoints behind. */
export class Checkpoints {
  readonly #sandbox: Sandbox;
  readonly #trail: Trail;
  readonly #left: (position: SandboxPosition) => void;

  constructor(
    sandbox: Sandbox,
    option: CallCheckpoints,
    left: (position: SandboxPosition) => void,
  ) {
    this.#sandbox = sandbox;
    this.#trail = new Trail({ adapter: ADAPTER, keep: keepOf(option), report: () => {} });
    this.#left = left;
  }

  /** Runs a call after those before it, between two checkpoints. */
  around<Result>(label: string, work: () => Promise<Result>): Promise<Result> {
    const signal = callSignal();
    // Where the machine is stays what it was; the next call begins with a checkpoint, and fails if it cannot.
    const how = { signal, left: this.#left, report: () => {} };
    return queueOf(this.#sandbox).run(
      () => this.#trail.around(this.#sandbox, { label }, how, work),
      signal,
    );
  }
}

/** Takes a sandbox back to where it was when a state was saved. */
export async function goBack(
  sandbox: Sandbox,
  { sandboxId, checkpointId }: SandboxPosition,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (sandboxId !== sandbox.sandboxId) return;
  await queueOf(sandbox).run(
    async () => void (await putAt(sandbox, checkpointId, { signal })),
    signal,
  );
}
