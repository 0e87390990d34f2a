import { parseOptions } from "@emberbox/core";
import { SandboxSessions, type SandboxSessionsOptions } from "@emberbox/core/tools";
import { z } from "zod";
import { placeOf, sourceOf, type ToolSource } from "../place.ts";
import { sandboxSession } from "./session.ts";
import type { SandboxSession } from "./types.ts";

export interface SandboxSessionOptions extends SandboxSessionsOptions {
  /** The conversation; each has a sandbox of its own. */
  readonly threadId?: string | undefined;
}

const schema = z.strictObject({ threadId: z.string().optional().describe("a string") });

/** `await using` ends the sandbox, when it was made here. */
export type OwnedSandboxSession = SandboxSession & AsyncDisposable;

/**
 * A sandbox for `experimental_sandbox`: for the AI SDK's own tools, for those of others, and for those of this package
 * that were given nothing else. Made when first needed. @throws `invalid_argument`, `unsupported`
 */
export function createSandboxSession(
  source?: ToolSource,
  { threadId, ...options }: SandboxSessionOptions = {},
): OwnedSandboxSession {
  parseOptions(schema, { threadId });
  const from = sourceOf(source);
  const shared = from instanceof SandboxSessions;
  const sessions = shared ? from : new SandboxSessions(from, options);
  const session = sandboxSession({ sessions, threadId: threadId ?? placeOf(source)?.threadId });
  return Object.assign(session, {
    [Symbol.asyncDispose]: async () => {
      if (!shared) await sessions[Symbol.asyncDispose]();
    },
  });
}
