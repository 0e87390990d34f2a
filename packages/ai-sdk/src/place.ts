import { SandboxSessions, type SandboxSource } from "@emberbox/core/tools";
import type { RestrictedSandboxSession, SandboxSession } from "./session/types.ts";

/**
 * Where sandboxes come from: one that is there, a provider, options for creating them, what another part of this
 * package made (a session, or `sessions`), or nothing, which is the engine on this machine.
 */
export type ToolSource =
  | SandboxSource
  | SandboxSessions
  | SandboxSession
  | RestrictedSandboxSession;

/** The conversation that a session of this package works for, and the sandboxes it has one of. */
export interface Place {
  readonly sessions: SandboxSessions;
  readonly threadId: string | undefined;
}

const places = new WeakMap<object, Place>();

export function rememberPlace(session: object, place: Place): void {
  places.set(session, place);
}

/** `undefined` for everything that is not a session of this package. */
export function placeOf(value: unknown): Place | undefined {
  return typeof value === "object" && value !== null ? places.get(value) : undefined;
}

/** What core takes. */
export function sourceOf(source: ToolSource): SandboxSource | SandboxSessions {
  return placeOf(source)?.sessions ?? (source as SandboxSource | SandboxSessions);
}
