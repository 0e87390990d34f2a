import type { CheckpointInfo, CheckpointKeep } from "../checkpoint-options.ts";
import type { RollbackResult } from "../provider.ts";
import type { Sandbox } from "../sandbox.ts";
import { deleteOldest, leftBy } from "./call-checkpoints.ts";
import { noBeginning, putAt } from "./put-at.ts";
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
  readonly toolCallId?: string | undefined;
}

/** What a trail's checkpoints say of who made them, and how many stay. */
export interface TrailOptions {
  /** The framework that asks. @default "tools" */
  readonly adapter?: string | undefined;
  /** @default all stay */
  readonly keep?: CheckpointKeep | undefined;
  /** Told when older ones could not be deleted. */
  readonly report: (error: unknown) => void;
}

type Stop = AbortSignal | undefined;

const START = "start";
const keyOf = (position: SandboxPosition | null | undefined): string =>
  position ? `${position.sandboxId}/${position.checkpointId}` : START;
/** Where no position of a sandbox leads: to a new one. */
export const BEGINNING = "beginning";
/** The most positions that are remembered as where the machine is. */
const MAX_HERE = 1000;

/** How calls leave checkpoints behind, and how a conversation that went back finds its machine as it was there. */
export class Trail {
  readonly #options: TrailOptions;
  /** After the last call that gave a result. */
  #position: SandboxPosition | undefined;
  /**
   * The positions that mean where the machine is now: more than one while calls are made by somebody who does not know
   * the conversation's place, such as an agent that another one asked, whose results the other does not see.
   */
  #here: Set<string> = new Set([START]);
  /** What the sandbox's beginning stands for: that of the conversation, or a point at which another sandbox was left. */
  #beginsAs: string = START;
  /** Before the first call, if that was at the sandbox's beginning. */
  #first: SandboxPosition | undefined;
  /** The calls that were made side by side last, where they began, and which of them gave results. */
  #step: {
    readonly of: unknown;
    readonly at: SandboxPosition | null;
    readonly calls: Set<string>;
  } = { of: undefined, at: null, calls: new Set() };
  readonly #sandboxes = new Set<string>();
  readonly #pinned = new Set<string>();

  constructor(options: TrailOptions) {
    this.#options = options;
  }

  get position(): SandboxPosition | undefined {
    return this.#position;
  }

  /** Lets a checkpoint stay that a call has left, since somebody asked for one there. */
  pin(checkpointId: string): void {
    this.#pinned.add(checkpointId);
  }

  /** Where the machine has to be put before a call; `undefined` when it is there, or has no way there. */
  target(
    place: ConversationPlace | undefined,
    toolCallId: string | undefined,
  ): SandboxPosition | typeof BEGINNING | undefined {
    if (place === undefined || this.#isBeside(place, toolCallId)) return undefined;
    const { at, trusted } = place;
    const key = keyOf(at);
    if (this.#here.has(key)) return undefined;
    if (key === this.#beginsAs && this.#first !== undefined) return this.#first;
    if (at === null) return BEGINNING;
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
    this.#beginAs(keyOf(position));
    this.#first = undefined;
    this.#step = { of: undefined, at: null, calls: new Set() };
  }

  /** Forgets where the machine is: it is another one, and not at its beginning. */
  leave(): void {
    this.restart(undefined);
    this.#here.clear();
  }

  #beginAs(key: string): void {
    this.#beginsAs = key;
    this.#here = new Set([key]);
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
    const { at, step: of } = place;
    const target = this.target(place, toolCallId);
    if (target === BEGINNING) throw noBeginning();
    if (target !== undefined) await this.goTo(sandbox, target, signal);
    // A sandbox of which the conversation knows nothing yet.
    else if (this.#first === undefined && !this.#here.has(keyOf(at))) this.#beginAs(keyOf(at));
    const isOn = of !== undefined && of === this.#step.of && isSamePosition(at, this.#step.at);
    if (target !== undefined || !isOn) this.#step = { of, at, calls: new Set() };
  }

  /** Takes a checkpoint before a call, if the machine has changed since the last one. In the sandbox's turn. */
  async begin(sandbox: Sandbox, note: CallNote, signal: Stop): Promise<CheckpointInfo> {
    const before = await sandbox.checkpoint({ ...this.#written(note, "before"), signal });
    if (this.#here.has(this.#beginsAs)) this.#first ??= positionOf(before);
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
    const after = await sandbox.checkpoint({ ...this.#written(note, "after"), signal });
    this.#position = positionOf(after);
    const { keep, report } = this.#options;
    if (keep !== undefined && after.unchanged !== true)
      await deleteOldest(sandbox, after.checkpointId, this.#pinned, keep).catch(report);
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
    const { by } = this.#written({ label: "" }, "");
    const result = await putAt(sandbox, target.checkpointId, { by, signal });
    this.#position = target;
    this.#here = new Set([keyOf(target)]);
    return result;
  }

  #written(
    { label, toolCallId }: CallNote,
    when: string,
  ): { readonly label: string; readonly by: string } {
    const { adapter = "tools" } = this.#options;
    const who = toolCallId === undefined ? adapter : `${adapter} ${toolCallId}`;
    return { label: plain(`${when} ${label}`, 80), by: plain(leftBy(who), 200) };
  }

  /** True for a call whose siblings moved the machine on: it was asked for together with them. */
  #isBeside({ at, step }: ConversationPlace, toolCallId: string | undefined): boolean {
    const { of, at: begun, calls } = this.#step;
    if (step === undefined || step !== of || !isSamePosition(at, begun)) return false;
    return toolCallId === undefined || !calls.has(toolCallId);
  }
}

/** Text as notes take it. */
function plain(text: string, most: number): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ").toWellFormed();
  return line.length <= most ? line : `${line.slice(0, most - 1).toWellFormed()}…`;
}
