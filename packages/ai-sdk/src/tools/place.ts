import type { ModelMessage, ToolResultPart } from "ai";
import {
  laterPosition,
  parsePosition,
  type ConversationPlace,
  type SandboxPosition,
} from "@emberbox/core/tools";

/** Options of results under this name are for the tools themselves; no model sees them. */
const MARK = "emberbox";

type Options = NonNullable<Extract<ToolResultPart["output"], { type: "text" }>["providerOptions"]>;

/** Writes down in a model's message where the sandbox was after a call, for the calls that come later. */
export function marked(position: unknown): { readonly providerOptions?: Options } {
  const parsed = parsePosition(position);
  return parsed === undefined ? {} : { providerOptions: { [MARK]: { position: { ...parsed } } } };
}

/**
 * Where a chat is, by its messages: after the last call in them, or at its beginning. `undefined` where they do not say
 * it, such as when results were left out.
 */
export function placeOf(
  messages: readonly ModelMessage[],
  { isChat, trusted }: { readonly isChat: boolean; readonly trusted: boolean },
): ConversationPlace | undefined {
  const at = messages.reduce((latest, message) => laterPosition(latest, positionIn(message)), none);
  if (at !== undefined) return { at, step: messages, trusted };
  const isBeginning = isChat && messages.every(({ role }) => role === "user" || role === "system");
  return isBeginning ? { at: null, step: messages, trusted } : undefined;
}

const none: SandboxPosition | undefined = undefined;

function positionIn({ role, content }: ModelMessage): SandboxPosition | undefined {
  if (role !== "tool") return undefined;
  return content.reduce(
    (latest, part) =>
      part.type === "tool-result" ? laterPosition(latest, positionOf(part.output)) : latest,
    none,
  );
}

function positionOf(output: ToolResultPart["output"]): SandboxPosition | undefined {
  const first = output.type === "content" ? output.value[0] : output;
  const options = first && "providerOptions" in first ? first.providerOptions : undefined;
  return parsePosition((options?.[MARK] as { readonly position?: unknown } | undefined)?.position);
}
