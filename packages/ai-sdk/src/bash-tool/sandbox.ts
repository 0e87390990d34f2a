import { EmberboxError } from "@emberbox/core";
import { parseOptions } from "@emberbox/core/options";
import { factsOf } from "@emberbox/core/tools";
import { z } from "zod";
import { conversationOf, type ToolSource } from "../conversation.ts";
import { SessionCalls } from "../session/calls.ts";
import { createSandboxSession, type SandboxSessionOptions } from "../session/create.ts";
import { readFile } from "../session/files.ts";
import { run } from "../session/processes.ts";
import { decode } from "../session/text.ts";

/** Which conversation the sandbox is for, how long it is kept, and how long a command may run. */
export interface BashToolSandboxOptions extends SandboxSessionOptions {
  /** How long a command may run before it is killed, in milliseconds; 0 for no limit. @default 120_000 */
  readonly timeoutMs?: number | undefined;
}

const schema = z.strictObject({
  timeoutMs: z.int().nonnegative().describe("a non-negative integer"),
});

const TIMEOUT_MS = 120_000;

/** The `sandbox` of `createBashTool`, of the package `bash-tool`. `await using` ends it, if it was created here. */
export interface BashToolSandbox extends AsyncDisposable {
  /** The directory in which commands start, to be passed as `destination`: the package's own is not in the machine. */
  readonly destination: string;
  /** Runs a command to its end. One that is killed, or runs out of time or memory, is a result as well. */
  executeCommand(command: string): Promise<{ stdout: string; stderr: string; exitCode: number }>;
  /** @throws `file_not_found` */
  readFile(path: string): Promise<string>;
  /** Writes files, all in one request, and makes the directories for them. */
  writeFiles(
    files: readonly { readonly path: string; readonly content: string | Uint8Array }[],
  ): Promise<void>;
}

/**
 * A sandbox for the package `bash-tool`, which tells it neither of aborts nor of time limits: commands are ended by
 * `timeoutMs`. Created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function bashToolSandbox(
  source?: ToolSource,
  { timeoutMs = TIMEOUT_MS, ...options }: BashToolSandboxOptions = {},
): BashToolSandbox {
  parseOptions(schema, { timeoutMs });
  const session = createSandboxSession(source, options);
  const { workingDirectory: destination } = factsOf(session.sessions, undefined);
  const calls = new SessionCalls(conversationOf(session)!, destination);
  return {
    destination,
    executeCommand: (command) => run(calls, { command }, timeoutMs),
    async readFile(path) {
      const bytes = await readFile(calls, { path }, "bytes");
      if (bytes !== null) return decode(bytes);
      throw new EmberboxError("file_not_found", `There is no file ${JSON.stringify(path)}`);
    },
    writeFiles: (files) =>
      calls.inTurn(undefined, async ({ sandbox }) => {
        const given = files.map(({ path, content }) => ({
          path: calls.resolve(path),
          data: content,
        }));
        if (given.length > 0) await sandbox.files.write(given);
      }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
