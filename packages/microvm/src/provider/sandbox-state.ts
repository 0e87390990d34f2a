import type { EmberboxError } from "@emberbox/core";
import type { Access } from "../network/access.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";

/** What a sandbox has while it has a machine. */
export interface Running {
  readonly machine: LocalSandbox;
  /** What it may reach now. */
  readonly access: Access;
  readonly endAt: Date;
  readonly timer: NodeJS.Timeout;
}

export type SandboxState =
  | ({ readonly is: "running" } & Running)
  /** Being saved. `settled` settles when it is paused, or keeps running after all. */
  | ({ readonly is: "pausing"; readonly settled: Promise<void> } & Running)
  /** On disk, and able to run again: `access` has its secrets, which are not on disk. */
  | {
      readonly is: "paused";
      readonly why: EmberboxError;
      readonly access: Access;
      /** Settles when its machine is gone. */
      readonly settled: Promise<void>;
    }
  /** For good, as far as this program is concerned. */
  | { readonly is: "gone"; readonly why: EmberboxError };
