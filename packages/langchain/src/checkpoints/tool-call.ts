import { AsyncLocalStorage } from "node:async_hooks";
import type { ConversationPlace, SandboxPosition } from "@emberbox/core/tools";

/** A tool call of an agent, for what works in a sandbox without being told of it. */
export interface AmbientToolCall {
  readonly toolCallId: string | undefined;
  /** Where the conversation is, for the first thing that the call does there. */
  place: ConversationPlace | undefined;
  /** Where the sandbox is after the last thing that it did. */
  position: SandboxPosition | undefined;
  readonly outer: AmbientToolCall | undefined;
}

const calls = new AsyncLocalStorage<AmbientToolCall>();

export function inToolCall<Result>(
  of: Pick<AmbientToolCall, "toolCallId" | "place">,
  work: (call: AmbientToolCall) => Promise<Result>,
): Promise<Result> {
  const call = { ...of, position: undefined, outer: calls.getStore() };
  return calls.run(call, () => work(call));
}

/** The current call's id and place; only what it does first hears of the place. */
export function takePlace(): Pick<AmbientToolCall, "toolCallId" | "place"> {
  const call = calls.getStore();
  if (call === undefined) return { toolCallId: undefined, place: undefined };
  const { toolCallId, place } = call;
  call.place = undefined;
  return { toolCallId, place };
}

/** Notes where the sandbox is, for the call and for those in which it is made. */
export function leaveAt(position: SandboxPosition | undefined): void {
  if (position === undefined) return;
  for (let call = calls.getStore(); call !== undefined; call = call.outer) call.position = position;
}
