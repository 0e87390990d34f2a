import { setTimeout as delay } from "node:timers/promises";
import { INTERPRETER_PORT } from "@emberbox/core/envd";
import { WAITING_PATH } from "@emberbox/wire";
import { request } from "undici/index.js";
import { parseJson } from "../host/json.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";

const MAX_BYTES = 128 * 1024;
const LIMIT_MS = 2000;
/** Pauses before it is asked again, in ms: after a call or a checkpoint, programs are busy for a moment. */
const AGAIN_MS = [20, 40];

/**
 * Tells whether a machine is the same as at a checkpoint: nothing came to it since but reads, and then and now all of its
 * programs wait in the same places, none of them for a time, and none with a connection to the outside.
 */
export class Stillness {
  readonly #machine: LocalSandbox;
  readonly #checkpointId: string;
  readonly #mark: number;
  readonly #where: string;

  private constructor(machine: LocalSandbox, checkpointId: string, mark: number, where: string) {
    this.#machine = machine;
    this.#checkpointId = checkpointId;
    this.#mark = mark;
    this.#where = where;
  }

  /** Call it before the machine is saved. `undefined` when it does not stand still. */
  static async of(machine: LocalSandbox, checkpointId: string): Promise<Stillness | undefined> {
    const { mark } = machine.activity;
    if (mark === undefined || isConnected(machine)) return undefined;
    const where = await whereAllWait(machine);
    return where === undefined ? undefined : new Stillness(machine, checkpointId, mark, where);
  }

  async holds(machine: LocalSandbox, checkpointId: string): Promise<boolean> {
    if (machine !== this.#machine || checkpointId !== this.#checkpointId) return false;
    if (isConnected(machine) || machine.activity.mark !== this.#mark) return false;
    const where = await whereAllWait(machine);
    return where === this.#where && machine.activity.mark === this.#mark;
  }
}

const isConnected = ({ gateway }: LocalSandbox): boolean => gateway.log().open > 0;

/** `undefined` where a program does not wait, or the machine does not say. */
async function whereAllWait(machine: LocalSandbox): Promise<string | undefined> {
  let where = await ask(machine);
  for (const pause of AGAIN_MS) {
    if (where !== undefined) break;
    await delay(pause);
    where = await ask(machine);
  }
  return where;
}

async function ask(machine: LocalSandbox): Promise<string | undefined> {
  const { origin, dispatcher } = machine.endpoint(INTERPRETER_PORT);
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const { statusCode, body } = await request(origin + WAITING_PATH, { dispatcher, signal });
    let text = "";
    for await (const piece of body) {
      text += String(piece);
      if (text.length > MAX_BYTES) return undefined;
    }
    const where = statusCode === 200 ? parseJson(text) : undefined;
    return typeof where === "string" ? where : undefined;
  } catch {
    return undefined;
  }
}
