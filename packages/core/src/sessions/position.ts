import { z } from "zod";
import type { CheckpointInfo } from "../checkpoint-options.ts";

/** A point in a sandbox's life that a conversation can come back to, as plain JSON. */
export interface SandboxPosition {
  readonly sandboxId: string;
  readonly checkpointId: string;
  /** When the checkpoint was made, in milliseconds since 1970: of two on one way, the later one is where it leads. */
  readonly savedAt: number;
}

const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const schema = z.object({
  sandboxId: z.string().min(1).max(256),
  checkpointId: id,
  savedAt: z.number(),
});

/** Reads a position that was kept somewhere; `undefined` for anything that is none. */
export function parsePosition(value: unknown): SandboxPosition | undefined {
  return schema.safeParse(value).data;
}

/** The later one of two positions on one way. */
export function laterPosition(
  one: SandboxPosition | undefined,
  other: SandboxPosition | undefined,
): SandboxPosition | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.savedAt >= one.savedAt ? other : one;
}

export function positionOf({
  sandboxId,
  checkpointId,
  createdAt,
}: CheckpointInfo): SandboxPosition {
  return { sandboxId, checkpointId, savedAt: createdAt.getTime() };
}

export function isSamePosition(
  one: SandboxPosition | null | undefined,
  other: SandboxPosition | null | undefined,
): boolean {
  if (!one || !other) return one === other;
  return one.sandboxId === other.sandboxId && one.checkpointId === other.checkpointId;
}

/** Where a conversation is when it makes a call, as a framework remembers it. */
export interface ConversationPlace {
  /** The `position` of the last result before the call; `null` where it has had none yet. */
  readonly at: SandboxPosition | null;
  /**
   * The same for calls that are made side by side, of which none knows the others' results: anything that `===` tells
   * from other steps.
   */
  readonly step?: unknown;
  /**
   * True when `at` comes from a store of the program's own, so that sandboxes may be made of it. Otherwise only the
   * conversation's own sandboxes are taken back.
   * @default false
   */
  readonly trusted?: boolean | undefined;
}
