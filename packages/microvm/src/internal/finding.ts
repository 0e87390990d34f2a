import type { Paths } from "../host/paths.ts";
import type { GuestImage } from "../image/index.ts";

/** The result of checking one thing that sandboxes need. */
export interface Check {
  /** The check's name, such as `qemu` or `disk space`. */
  readonly id: string;
  /** `warn`: sandboxes work, but not as well as they could. `fail`: they do not. */
  readonly status: "ok" | "warn" | "fail";
  /** What was found, in one line. */
  readonly detail: string;
  /** How to put it right. */
  readonly advice?: string;
}

/** What the checks share. */
export interface HostFacts {
  readonly paths: Paths;
  readonly qemu: string | undefined;
  readonly image: GuestImage | undefined;
}

export type Finding = Omit<Check, "id">;

export type Look = (facts: HostFacts) => Promise<Finding> | Finding;
