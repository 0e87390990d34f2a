import type { GuestNetwork } from "./egress.ts";
import type { GuestWorkspace } from "./workspaces.ts";

/** What the host tells the guest when a session begins: what restoring a snapshot leaves stale. */
export interface Hello {
  /** Returned in the answer, so that an old answer is not mistaken for this one. */
  readonly nonce: string;
  readonly sandboxId: string;
  /** Name of the template, or id of the snapshot, that the sandbox was made from. */
  readonly templateId: string;
  /** Milliseconds since 1970, by the host's clock. */
  readonly timeMs: number;
  /** Fresh random bytes, hexadecimal. */
  readonly entropy: string;
  readonly machineId: string;
  readonly envs: Readonly<Record<string, string>>;
  /** If absent, the public internet. */
  readonly network?: GuestNetwork | undefined;
  /** What holds from now on, also in copies: a template of one's own says so when it is finished. */
  readonly defaults?: GuestDefaults | undefined;
  /** Where volumes are to be mounted; each is served at the port of its place in the list, on their own channel. */
  readonly volumes?: readonly string[] | undefined;
  /** The host's folders that are on the device for them. */
  readonly workspaces?: readonly GuestWorkspace[] | undefined;
  /** The disk was made larger; grow the file system. */
  readonly growDisk: boolean;
}

/** Who runs commands, and where, unless a call says otherwise. */
export interface GuestDefaults {
  readonly user: string;
  readonly workdir: string;
}

/** What a guest missed that stood still and continues as the same machine. */
export type Thaw = Pick<Hello, "timeMs" | "entropy">;

/** The guest's answer, once everything has been corrected. */
export interface HelloAnswer {
  readonly nonce: string;
  /** Why the guest could not do as told. */
  readonly error?: string;
}
