import { factsOf } from "@emberbox/core/tools";
import { rememberPlace, type Place } from "../place.ts";
import { SessionCalls } from "./calls.ts";
import { deleteFile, listDirectory, readFile, stat, writeFile } from "./files.ts";
import { run, spawn } from "./processes.ts";
import { decode, encode, linesOf } from "./text.ts";
import type { SandboxSession, SpawnFunction } from "./types.ts";

/** A conversation's sandbox as the AI SDK wants it. */
export function sandboxSession(place: Place): SandboxSession {
  const { workingDirectory, network } = factsOf(place.sessions, undefined);
  const calls = new SessionCalls(place, workingDirectory);
  const session: SandboxSession = {
    sessions: place.sessions,
    description:
      "A Linux machine of its own. Commands run in bash; each starts in the directory " +
      `${workingDirectory}, from which relative paths go. Files and background processes stay from ` +
      `call to call. ${network}`,
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
  rememberPlace(session, place);
  return session;
}
