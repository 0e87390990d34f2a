import { AIMessage, BaseMessage, ToolMessage } from "@langchain/core/messages";
import {
  laterPosition,
  parsePosition,
  type ConversationPlace,
  type SandboxPosition,
} from "@emberbox/core/tools";

/** The state's field for where the sandbox is; `null` at the beginning of a thread. */
export const PLACE = "_sandboxPlace";
/** Where messages of tools that have no artifact of ours say it. */
export const MARK = "emberbox";

interface Configured {
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly state?: unknown;
}

/**
 * Where the conversation is by the state of its graph, which comes from the program's own checkpointer. `undefined`
 * where that is not known, and for an agent that is asked in a tool call of another, which goes on wherever that is.
 */
export function placeOf({ configurable, state }: Configured): ConversationPlace | undefined {
  if (isInToolCall(configurable) || typeof state !== "object" || state === null) return undefined;
  const at = placeIn(state);
  return at === undefined ? undefined : { at, step: stepIn(state), trusted: true };
}

/** What a state says: a position, `null` at the beginning, or nothing. */
export function placeIn(state: object): SandboxPosition | null | undefined {
  const kept = PLACE in state ? state[PLACE] : undefined;
  const later = messagesOf(state).reduce(
    (latest, message) => laterPosition(latest, positionIn(message)),
    parsePosition(kept),
  );
  return later ?? (kept === null ? null : undefined);
}

/** True in an agent that a tool calls. */
export function isInToolCall(configurable: Configured["configurable"]): boolean {
  const namespace = configurable?.["checkpoint_ns"];
  if (typeof namespace !== "string") return false;
  return namespace
    .split("|")
    .slice(0, -1)
    .some((node) => node.startsWith("tools:"));
}

function positionIn(message: BaseMessage): SandboxPosition | undefined {
  if (!ToolMessage.isInstance(message)) return undefined;
  const { artifact, additional_kwargs: more } = message;
  return parsePosition(fieldOf(fieldOf(artifact, "data"), "position")) ?? parsePosition(more[MARK]);
}

/** The calls that a model asked for at once. */
function stepIn(state: object): string | undefined {
  const asked = messagesOf(state).findLast((message) => AIMessage.isInstance(message));
  return asked?.tool_calls?.map(({ id }) => id).join("\n");
}

function messagesOf(state: object): BaseMessage[] {
  const messages = fieldOf(state, "messages");
  return Array.isArray(messages) ? messages.filter((each) => BaseMessage.isInstance(each)) : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
