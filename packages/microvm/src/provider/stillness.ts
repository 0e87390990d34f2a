import { ENVD_PORT } from "@emberbox/core/envd";
import { request } from "undici/index.js";
import type { LocalSandbox } from "../restore/sandbox.ts";

const MAX_BYTES = 4096;
const LIMIT_MS = 2000;
const STATISTICS = "/sys/fs/cgroup/user/cpu.stat";

/**
 * Tells whether a machine is the same as at a checkpoint: nothing came to it since but reads, and none of its user's
 * processes had any of the processor's time.
 */
export class Stillness {
  readonly #machine: LocalSandbox;
  readonly #checkpointId: string;
  readonly #mark: number | undefined;
  #used: string | undefined;

  private constructor(machine: LocalSandbox, checkpointId: string) {
    this.#machine = machine;
    this.#checkpointId = checkpointId;
    this.#mark = machine.activity.mark;
  }

  /** Call it before the machine is saved, and `end` afterwards: the processes are stopped meanwhile, which takes time. */
  static begin(
    machine: LocalSandbox,
    checkpointId: string,
  ): { end(): Promise<Stillness | undefined> } {
    const still = new Stillness(machine, checkpointId);
    return {
      async end() {
        still.#used = await processorTime(machine);
        return still.#used !== undefined && still.#isUntouched() ? still : undefined;
      },
    };
  }

  async holds(machine: LocalSandbox, checkpointId: string): Promise<boolean> {
    if (machine !== this.#machine || checkpointId !== this.#checkpointId) return false;
    if (!this.#isUntouched()) return false;
    const used = await processorTime(machine);
    return used !== undefined && used === this.#used && this.#isUntouched();
  }

  #isUntouched(): boolean {
    return this.#mark !== undefined && this.#machine.activity.mark === this.#mark;
  }
}

/** What the user's processes have had of it, in microseconds; `undefined` where the machine does not say. */
async function processorTime(machine: LocalSandbox): Promise<string | undefined> {
  const { origin, dispatcher } = machine.endpoint(ENVD_PORT);
  const query = new URLSearchParams({ path: STATISTICS, username: "root" });
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const { statusCode, body } = await request(`${origin}/files?${query}`, { dispatcher, signal });
    let text = "";
    for await (const piece of body) {
      text += String(piece);
      if (text.length > MAX_BYTES) return undefined;
    }
    return statusCode === 200 ? /^usage_usec (\d+)$/m.exec(text)?.[1] : undefined;
  } catch {
    return undefined;
  }
}
