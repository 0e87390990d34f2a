import type { Sandbox } from "@emberbox/core";
import { factsOf, SandboxSessions } from "@emberbox/core/tools";
import { rememberConversation, type Conversation } from "../conversation.ts";
import { SessionCalls } from "./calls.ts";
import { deleteFile, listDirectory, readFile, stat, writeFile } from "./files.ts";
import { run, spawn } from "./processes.ts";
import { decode, encode, linesOf } from "./text.ts";
import type { RestrictedSandboxSession, SandboxSession, SpawnFunction } from "./types.ts";
import { usableOnly } from "./usable.ts";

/** A conversation's sandbox, in the form that the AI SDK takes. */
export function sandboxSession(conversation: Conversation): SandboxSession {
  const session = { sessions: conversation.sessions, ...methodsIn(conversation) };
  rememberConversation(session, conversation);
  return session;
}

/** A sandbox for somebody who may only use it: nothing that belongs to its owner can be reached from it. */
export function restrictedSession(sandbox: Sandbox): RestrictedSandboxSession {
  const conversation = { sessions: new SandboxSessions(usableOnly(sandbox)), threadId: undefined };
  const session = Object.freeze(methodsIn(conversation));
  rememberConversation(session, conversation);
  return session;
}

function methodsIn(conversation: Conversation): RestrictedSandboxSession {
  const { workingDirectory, network, folders } = factsOf(conversation.sessions, undefined);
  const calls = new SessionCalls(conversation, workingDirectory);
  return {
    description:
      "A Linux machine of its own. Commands run in bash; each starts in the directory " +
      `${workingDirectory}, from which relative paths go. Files and background processes stay from ` +
      `call to call. ${network}${folders === "" ? "" : ` ${folders}`}`,
    readFile: (options) => readFile(calls, options, "stream"),
    readBinaryFile: (options) => readFile(calls, options, "bytes"),
    readTextFile: async (options) => {
      const bytes = await readFile(calls, options, "bytes");
      return bytes === null ? null : linesOf(decode(bytes, options.encoding), options);
    },
    writeFile: (options) => writeFile(calls, options),
    writeBinaryFile: (options) => writeFile(calls, options),
    writeTextFile: async ({ encoding, content, ...options }) =>
      writeFile(calls, { ...options, content: encode(content, encoding) }),
    stat: (options) => stat(calls, options),
    listDirectory: (options) => listDirectory(calls, options),
    deleteFile: (options) => deleteFile(calls, options),
    run: (options) => run(calls, options),
    spawn: ((options) => spawn(calls, options)) as SpawnFunction,
  };
}
