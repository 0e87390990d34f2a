import type { Sandbox } from "@emberbox/core";
import { say } from "../failure.ts";

/** A sandbox that ends with this scope, unless it is kept. */
export class HeldSandbox implements AsyncDisposable {
  readonly sandbox: Sandbox;
  #isKept = false;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  /** Pauses it, and says how to go on with it. */
  async keep(): Promise<void> {
    await this.sandbox.pause();
    this.#isKept = true;
    say(keptText(this.sandbox.sandboxId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isKept) await this.sandbox.kill();
  }
}

/** What can be done with a sandbox that was kept. */
export const keptText = (id: string): string =>
  `kept ${id}, paused\nemberbox diff ${id} shows its changes, emberbox apply ${id} applies them, emberbox discard ${id} undoes them`;
