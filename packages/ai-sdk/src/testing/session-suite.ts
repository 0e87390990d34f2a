import { afterAll, beforeAll, describe } from "vitest";
import { testCommands } from "./commands-suite.ts";
import { testFiles } from "./files-suite.ts";
import type { SessionSubject } from "./subject.ts";

/**
 * Registers the tests of a sandbox session with vitest: what the AI SDK's documentation and the comments on its types
 * demand of any `experimental_sandbox`. They run commands of a POSIX shell, and write below the directory in which
 * commands start.
 */
export function describeSandboxSession(
  name: string,
  create: () => SessionSubject | Promise<SessionSubject>,
): void {
  describe(`a sandbox session: ${name}`, () => {
    let session: SessionSubject;
    beforeAll(async () => {
      session = await create();
    });
    afterAll(async () => session?.[Symbol.asyncDispose]?.());
    testFiles(() => session);
    testCommands(() => session);
  });
}
