import type { CheckpointInfo } from "../checkpoint-options.ts";
import type { RollbackResult } from "../provider.ts";
import { EmberboxError } from "../errors.ts";
import type { Sandbox } from "../sandbox.ts";
import {
  type ConversationPlace,
  isSamePosition,
  positionOf,
  type SandboxPosition,
} from "./position.ts";

/** What a checkpoint says of the call that it was made for. */
export interface CallNote {
  /** What the call does, in a few words. */
  readonly label: string;
  /** The framework that asks. */
  readonly adapter?: string | undefined;
  readonly toolCallId?: string | undefined;
}

type Stop = AbortSignal | undefined;

const START = "start";
const keyOf = (position: SandboxPosition | null | undefined): string =>
  position ? `${position.sandboxId}/${position.checkpointId}` : START;
/** The most positions that are remembered as where the machine is. */
const MAX_HERE = 1000;

/** How calls leave checkpoints behind, and how a conversation that went back finds its machine as it was there. */
export class Trail {
  /** After the last call that gave a result. */
  #position: SandboxPosition | undefined;
  /**
   * The positions that mean where the machine is now: more than one while calls are made by somebody who does not know
   * the conversation's place, such as an agent that another one asked, whose results the other does not see.
   */
  #here: Set<string> = new Set([START]);
  /** Before the first call. */
  #first: SandboxPosition | undefined;
  /** The calls that were made side by side last, where they began, and which of them gave results. */
  #step: {
    readonly of: unknown;
    readonly at: SandboxPosition | null;
    readonly calls: Set<string>;
  } = { of: undefined, at: null, calls: new Set() };
  readonly #sandboxes = new Set<string>();

  get position(): SandboxPosition | undefined {
    return this.#position;
  }

  /** Where the machine has to be put before a call; `undefined` when it is there. */
  target(
    place: ConversationPlace | undefined,
    toolCallId: string | undefined,
  ): SandboxPosition | undefined {
    if (place === undefined || this.#isBeside(place, toolCallId)) return undefined;
    const { at, trusted } = place;
    if (this.#here.has(keyOf(at))) return undefined;
    if (at === null) return this.#first;
    return trusted === true || this.#sandboxes.has(at.sandboxId) ? at : undefined;
  }

  /** What a new sandbox is to be made of; `undefined` for an empty one. */
  origin(place: ConversationPlace | undefined): SandboxPosition | undefined {
    if (place === undefined) return this.#position;
    if (place.at === null) return undefined;
    const isOwn = place.trusted === true || this.#sandboxes.has(place.at.sandboxId);
    return isOwn ? place.at : undefined;
  }

  /** Begins anew in another sandbox, which stands for that position, or for nothing that was before. */
  restart(position: SandboxPosition | undefined): void {
    this.#position = position;
    this.#here = new Set([keyOf(position)]);
    this.#first = undefined;
    this.#step = { of: undefined, at: null, calls: new Set() };
  }

  /** Puts the machine where the conversation is. In the sandbox's turn. */
  async arrive(
    sandbox: Sandbox,
    place: ConversationPlace | undefined,
    toolCallId: string | undefined,
    signal: Stop,
  ): Promise<void> {
    this.#sandboxes.add(sandbox.sandboxId);
    if (place === undefined) return;
    const target = this.target(place, toolCallId);
    if (target !== undefined) await this.goTo(sandbox, target, signal);
    const { at, step: of } = place;
    const isOn = of !== undefined && of === this.#step.of && isSamePosition(at, this.#step.at);
    if (target !== undefined || !isOn) this.#step = { of, at, calls: new Set() };
  }

  /** Takes a checkpoint before a call, if the machine has changed since the last one. In the sandbox's turn. */
  async begin(sandbox: Sandbox, note: CallNote, signal: Stop): Promise<CheckpointInfo> {
    const before = await sandbox.checkpoint({ ...written(note, "before"), signal });
    this.#first ??= positionOf(before);
    return before;
  }

  /**
   * Takes one after a call that gave a result: where the conversation is now. `placed` says that it will know. In the
   * sandbox's turn.
   */
  async end(
    sandbox: Sandbox,
    note: CallNote,
    placed: boolean,
    signal: Stop,
  ): Promise<SandboxPosition> {
    const after = await sandbox.checkpoint({ ...written(note, "after"), signal });
    this.#position = positionOf(after);
    if (placed || this.#here.size >= MAX_HERE) this.#here.clear();
    this.#here.add(keyOf(this.#position));
    if (note.toolCallId !== undefined) this.#step.calls.add(note.toolCallId);
    return this.#position;
  }

  /**
   * Runs a call between two checkpoints, after which `left` is told where the machine is. A failure to tell is reported:
   * what was asked for is done, and the next call, which begins with a checkpoint, fails if it was no accident. In the
   * sandbox's turn.
   */
  async around<Result>(
    sandbox: Sandbox,
    note: CallNote,
    how: {
      readonly signal?: AbortSignal | undefined;
      readonly left: (position: SandboxPosition) => void;
      readonly report: (error: unknown) => void;
    },
    work: () => Promise<Result>,
  ): Promise<Result> {
    await this.begin(sandbox, note, how.signal);
    try {
      return await work();
    } finally {
      if (how.signal?.aborted !== true && sandbox.gone === undefined)
        await this.end(sandbox, note, true, how.signal).then(how.left, how.report);
    }
  }

  /** Takes the machine back, and keeps where it was. In the sandbox's turn. */
  async goTo(
    sandbox: Sandbox,
    target: SandboxPosition,
    signal: Stop,
  ): Promise<RollbackResult | undefined> {
    const result = await putAt(sandbox, target.checkpointId, signal);
    this.#position = target;
    this.#here = new Set([keyOf(target)]);
    return result;
  }

  /** True for a call whose siblings moved the machine on: it was asked for together with them. */
  #isBeside({ at, step }: ConversationPlace, toolCallId: string | undefined): boolean {
    const { of, at: begun, calls } = this.#step;
    if (step === undefined || step !== of || !isSamePosition(at, begun)) return false;
    return toolCallId === undefined || !calls.has(toolCallId);
  }
}

/** Puts a machine at a checkpoint unless it is there. Nothing is lost: where it was becomes a checkpoint. */
export async function putAt(
  sandbox: Sandbox,
  checkpointId: string,
  signal?: AbortSignal,
): Promise<RollbackResult | undefined> {
  const now = await sandbox.checkpoint({ label: "before going back", by: "emberbox", signal });
  if (now.checkpointId === checkpointId) return undefined;
  try {
    return await sandbox.rollback(checkpointId, { signal });
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.kind !== "lost" || sandbox.gone !== undefined)
      throw error;
    // What is lost is the checkpoint: the sandbox goes on as it was.
    const message = `The checkpoint ${checkpointId} cannot be used any more: ${error.message}`;
    throw new EmberboxError("checkpoint_not_found", message, { cause: error });
  }
}

function written(
  { label, adapter = "tools", toolCallId }: CallNote,
  when: string,
): { readonly label: string; readonly by: string } {
  const by = toolCallId === undefined ? adapter : `${adapter} ${toolCallId}`;
  return { label: plain(`${when} ${label}`, 80), by: plain(by, 200) };
}

/** Text as notes take it. */
function plain(text: string, most: number): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ").toWellFormed();
  return line.length <= most ? line : `${line.slice(0, most - 1).toWellFormed()}…`;
}
