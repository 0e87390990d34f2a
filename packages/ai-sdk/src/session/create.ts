import { parseOptions } from "@emberbox/core/options";
import { SandboxSessions, type SandboxSessionsOptions } from "@emberbox/core/tools";
import { z } from "zod";
import { conversationOf, sourceOf, type ToolSource } from "../conversation.ts";
import { sandboxSession } from "./session.ts";
import type { SandboxSession } from "./types.ts";

/** Which conversation a session is for, and how long its sandbox is kept. */
export interface SandboxSessionOptions extends SandboxSessionsOptions {
  /** The conversation; each has a sandbox of its own. */
  readonly threadId?: string | undefined;
}

const schema = z.strictObject({ threadId: z.string().optional().describe("a string") });

/** A session whose sandbox `await using` ends, if it was created here. */
export type OwnedSandboxSession = SandboxSession & AsyncDisposable;

/**
 * A sandbox for `experimental_sandbox`: for the AI SDK's own tools, for third-party tools, and for tools of this
 * package that have no other source. Created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxSession(
  source?: ToolSource,
  { threadId, ...options }: SandboxSessionOptions = {},
): OwnedSandboxSession {
  parseOptions(schema, { threadId });
  const from = sourceOf(source);
  const shared = from instanceof SandboxSessions;
  const sessions = shared ? from : new SandboxSessions(from, options, "ai-sdk");
  const session = sandboxSession({
    sessions,
    threadId: threadId ?? conversationOf(source)?.threadId,
  });
  return Object.assign(session, {
    [Symbol.asyncDispose]: async () => {
      if (!shared) await sessions[Symbol.asyncDispose]();
    },
  });
}
