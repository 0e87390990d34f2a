import { background, warning } from "@emberbox/core/background";
import type { Machine } from "../machine/machine.ts";
import { startWaiting, type StartOptions } from "../restore/start.ts";

/** How long a machine waits for somebody who wants it, in ms. */
const WAITS_MS = 60_000;
/** Not while the caller of the last `create` waits for a first answer: starting a machine costs a processor. */
const AFTER_MS = 250;

type Kind = Pick<StartOptions, "diskMB"> & Pick<StartOptions["source"], "template">;

interface Waiting {
  readonly kind: Kind;
  /** `undefined` if it could not be started: whoever creates a sandbox finds out why. */
  readonly machine: Promise<Machine | undefined>;
}

/**
 * A machine that is started before it is wanted, with its template's state and without a sandbox: starting QEMU in its
 * jail takes no decision that belongs to a sandbox. There is one at most, of the kind that was created last, for a
 * minute; until it runs, it has no memory of its own.
 */
export class Standby {
  #waiting: Waiting | undefined;
  #soon: NodeJS.Timeout | undefined;
  #leaves: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Takes the machine that waits, or is about to, if it is of this kind. */
  async take(kind: Kind): Promise<Machine | undefined> {
    const waiting = this.#waiting;
    if (!isSame(waiting?.kind, kind)) return undefined;
    this.#waiting = undefined;
    return waiting?.machine;
  }

  /** Another one of this kind may be wanted; `start` says what it takes to start it. */
  expect(kind: Kind, start: () => Promise<StartOptions>): void {
    clearTimeout(this.#soon);
    if (this.#isClosed) return;
    this.#soon = setTimeout(() => this.#prepare(kind, start), AFTER_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    await this.#discard();
  }

  #prepare(kind: Kind, start: () => Promise<StartOptions>): void {
    const discard = (): void => background(this.#discard(), warning("Ending a machine"));
    const isThere = isSame(this.#waiting?.kind, kind);
    if (!isThere) discard();
    clearTimeout(this.#leaves);
    this.#leaves = setTimeout(discard, WAITS_MS).unref();
    if (isThere) return;
    const waiting: Waiting = { kind, machine: begin(start) };
    this.#waiting = waiting;
    const forget = (): void => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    };
    background(
      waiting.machine.then((machine) => machine?.ended).then(forget),
      warning("Waiting with a machine"),
    );
  }

  async #discard(): Promise<void> {
    clearTimeout(this.#leaves);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    await (await waiting?.machine)?.kill();
  }
}

const isSame = (one: Kind | undefined, other: Kind): boolean =>
  one?.template === other.template && one.diskMB === other.diskMB;

async function begin(start: () => Promise<StartOptions>): Promise<Machine | undefined> {
  try {
    const machine = await startWaiting(await start());
    // It does not keep its program alive.
    machine.channel.unref();
    return machine;
  } catch {
    return undefined;
  }
}
