import { ToolMessage } from "@langchain/core/messages";
import type { SandboxPosition } from "@emberbox/core/tools";
import { createMiddleware, type AgentMiddleware } from "langchain";
import { z } from "zod";
import { isInToolCall, MARK, PLACE, placeIn, placeOf } from "./place.ts";
import { inToolCall } from "./tool-call.ts";

export const placeSchema: z.ZodObject<{ [PLACE]: z.ZodOptional<z.ZodUnknown> }> = z.object({
  [PLACE]: z.unknown().optional(),
});

type Configurable = Readonly<Record<string, unknown>> | undefined;

/** Keeps in the state where the sandbox is, so that it outlives messages that are dropped from it. */
export function keepPlace(
  state: object,
  { configurable }: { readonly configurable?: Configurable },
): { [PLACE]: SandboxPosition | null } | undefined {
  const known = placeIn(state);
  if (known === undefined && isInToolCall(configurable)) return undefined;
  return { [PLACE]: known ?? null };
}

/**
 * Lets a thread that goes back to an earlier state, or is forked there, find its sandbox as it was, where tools do not
 * say it themselves: for deep agents with a sandbox as their backend, and for `createNativeExecutors`. The sandboxes
 * need the option `checkpoints: "each-call"`. As with every middleware that wraps tool calls, what a tool throws ends
 * the run.
 */
export function createCheckpointMiddleware(): AgentMiddleware {
  const middleware = createMiddleware({
    name: "SandboxCheckpoints",
    stateSchema: placeSchema,
    beforeModel: keepPlace,
    wrapToolCall: (request, handler) => {
      const { state, toolCall, runtime } = request;
      const { configurable } = runtime as { readonly configurable?: Configurable };
      const place = placeOf({ configurable, state });
      return inToolCall({ toolCallId: toolCall.id, place }, async (call) => {
        const answer = await handler(request);
        if (call.position !== undefined) mark(answer, call.position);
        return answer;
      });
    },
  });
  return middleware as AgentMiddleware;
}

/** Writes down where the sandbox is after a call, in its message. */
function mark(answer: unknown, position: SandboxPosition): void {
  for (const message of messagesOf(answer)) {
    if (ToolMessage.isInstance(message)) message.additional_kwargs[MARK] = { ...position };
  }
}

/** Of a message, or of a command that adds some to the state. */
function messagesOf(answer: unknown): readonly unknown[] {
  if (ToolMessage.isInstance(answer)) return [answer];
  const { update } = answer as { readonly update?: { readonly messages?: unknown } | null };
  const messages = update?.messages;
  return Array.isArray(messages) ? messages : [];
}
