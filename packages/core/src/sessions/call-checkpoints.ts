import { z } from "zod";
import { type CheckpointInfo, type CheckpointKeep, checkpointKeep } from "../checkpoint-options.ts";
import type { Sandbox } from "../sandbox.ts";

/** When calls leave checkpoints behind, and how many of them stay. */
export type CallCheckpoints =
  | "each-call"
  | {
      readonly each: "call";
      /**
       * How many of a sandbox's checkpoints that calls have left stay, the newest; false for all. Those that were made
       * otherwise are not counted, and stay.
       * @default { last: 100 }
       */
      readonly keep?: CheckpointKeep | false | undefined;
    };

/** The schema of the option, for whoever takes it. */
export const callCheckpoints: z.ZodType<CallCheckpoints> & { readonly description?: string } = z
  .union([
    z.literal("each-call"),
    z.strictObject({
      each: z.literal("call"),
      keep: z.union([checkpointKeep, z.literal(false)]).optional(),
    }),
  ])
  .describe('`each-call`, or `{ each: "call", keep: { last, bytes } }` with `keep: false` for all');

const KEEP: CheckpointKeep = { last: 100 };
/** What the checkpoints that calls leave are recognized by. */
const MARK = "each-call ";

/** Who made a checkpoint, for one that a call leaves. */
export const leftBy = (who: string): string => `${MARK}${who}`;

/** Which of the checkpoints that calls leave are to stay; `undefined` for all. */
export function keepOf(option: CallCheckpoints): CheckpointKeep | undefined {
  const { keep = KEEP } = option === "each-call" ? {} : option;
  return keep === false ? undefined : keep;
}

/** Deletes the oldest of what calls have left in a sandbox, above the limits; never `current`, nor those `pinned`. */
export async function deleteOldest(
  sandbox: Sandbox,
  current: string,
  pinned: ReadonlySet<string>,
  { last = Infinity, bytes = Infinity }: CheckpointKeep,
): Promise<void> {
  const isOther = ({ by, checkpointId }: CheckpointInfo): boolean =>
    by?.startsWith(MARK) === true && checkpointId !== current && !pinned.has(checkpointId);
  const all = await sandbox.history();
  let taken = all.find(({ checkpointId }) => checkpointId === current)?.sizeBytes ?? 0;
  let kept = 1;
  let isOver = false;
  for (const { checkpointId, sizeBytes = 0 } of all.filter(isOther).toReversed()) {
    taken += sizeBytes;
    isOver ||= kept >= last || taken > bytes;
    if (isOver) await sandbox.deleteCheckpoint(checkpointId);
    else kept += 1;
  }
}
