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
export interface Place {
  readonly sessions: SandboxSessions;
  readonly threadId: string | undefined;
}

const places = new WeakMap<object, Place>();

export function rememberPlace(session: object, place: Place): void {
  places.set(session, place);
}

/** The place of a session of this package; `undefined` for anything else. */
export function placeOf(value: unknown): Place | undefined {
  return typeof value === "object" && value !== null ? places.get(value) : undefined;
}

/** The source in the form that core takes. */
export function sourceOf(source: ToolSource): SandboxSource | SandboxSessions {
  return placeOf(source)?.sessions ?? (source as SandboxSource | SandboxSessions);
}
