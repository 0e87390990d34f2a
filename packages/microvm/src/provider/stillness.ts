import { INTERPRETER_PORT } from "@emberbox/core/envd";
import { PROCESSOR_TIMES_PATH } from "@emberbox/wire";
import { request } from "undici/index.js";
import { parseJson } from "../host/json.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";

const MAX_BYTES = 64 * 1024;
const LIMIT_MS = 2000;

/**
 * Tells whether a machine is the same as at a checkpoint: nothing came to it since but reads, and none of its programs
 * had any of the processor's time.
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

  /** Call it before the machine is saved, and `end` afterwards: programs are stopped and woken up meanwhile. */
  static begin(
    machine: LocalSandbox,
    checkpointId: string,
  ): { end(): Promise<Stillness | undefined> } {
    const still = new Stillness(machine, checkpointId);
    return {
      async end() {
        still.#used = await processorTimes(machine);
        return still.#used !== undefined && still.#isUntouched() ? still : undefined;
      },
    };
  }

  async holds(machine: LocalSandbox, checkpointId: string): Promise<boolean> {
    if (machine !== this.#machine || checkpointId !== this.#checkpointId) return false;
    if (!this.#isUntouched()) return false;
    const used = await processorTimes(machine);
    return used !== undefined && used === this.#used && this.#isUntouched();
  }

  #isUntouched(): boolean {
    return this.#mark !== undefined && this.#machine.activity.mark === this.#mark;
  }
}

/** What each program has had of it; `undefined` where the machine does not say. */
async function processorTimes(machine: LocalSandbox): Promise<string | undefined> {
  const { origin, dispatcher } = machine.endpoint(INTERPRETER_PORT);
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const asked = { dispatcher, signal };
    const { statusCode, body } = await request(origin + PROCESSOR_TIMES_PATH, asked);
    let text = "";
    for await (const piece of body) {
      text += String(piece);
      if (text.length > MAX_BYTES) return undefined;
    }
    const times = statusCode === 200 ? parseJson(text) : undefined;
    return typeof times === "string" ? times : undefined;
  } catch {
    return undefined;
  }
}
