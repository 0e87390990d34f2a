import type { GuestNetwork } from "./egress.ts";

/** What the host tells the guest when a session begins: what restoring a snapshot forgets. */
export interface Hello {
  /** Comes back in the answer, so that an old answer is not taken for this one. */
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
  /** Absent: the public internet. */
  readonly network?: GuestNetwork | undefined;
  /** The disk was made larger; grow the file system. */
  readonly growDisk: boolean;
}

/** What a guest has missed that held still, and goes on as the same. */
export type Thaw = Pick<Hello, "timeMs" | "entropy">;

/** The guest's answer, when all of it has been set right. */
export interface HelloAnswer {
  readonly nonce: string;
  /** Why the guest could not do as told. */
  readonly error?: string;
}
