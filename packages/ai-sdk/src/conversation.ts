import { SandboxSessions, type SandboxSource } from "@emberbox/core/tools";
import type { RestrictedSandboxSession, SandboxSession } from "./session/types.ts";

/**
 * Where sandboxes come from: an existing sandbox, a provider, options for creating sandboxes, something that another
 * part of this package made (a session, or `sessions`), or nothing for the engine on this machine.
 */
export type ToolSource =
  | SandboxSource
  | SandboxSessions
  | SandboxSession
  | RestrictedSandboxSession;

/** The conversation that a session of this package works for, and the sandboxes of which it has one. */
export interface Conversation {
  readonly sessions: SandboxSessions;
  readonly threadId: string | undefined;
}

const conversations = new WeakMap<object, Conversation>();

export function rememberConversation(session: object, conversation: Conversation): void {
  conversations.set(session, conversation);
}

/** The conversation of a session of this package; `undefined` for anything else. */
export function conversationOf(value: unknown): Conversation | undefined {
  return typeof value === "object" && value !== null ? conversations.get(value) : undefined;
}

/** The source in the form that core takes. */
export function sourceOf(source: ToolSource): SandboxSource | SandboxSessions {
  return conversationOf(source)?.sessions ?? (source as SandboxSource | SandboxSessions);
}
