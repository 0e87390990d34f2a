import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import { background } from "@emberbox/core/background";
import {
  checkedProvider,
  type SandboxConnection,
  type SandboxProvider,
} from "@emberbox/core/provider";
import { Agent, type buildConnector } from "undici/index.js";
import { exists } from "../host/exists.ts";
import { paths } from "../host/paths.ts";
import { openPaused } from "../saved/paused.ts";
import {
  ask,
  errorIn,
  findProgramOf,
  findPrograms,
  type RunningSandbox,
  tunnel,
} from "./programs.ts";

const NOT_HERE = "only the program that has a sandbox can do that";

/** The sandboxes that run in other programs of this user. They stay theirs. */
export function attached(): SandboxProvider {
  const closing = new AbortController();
  const agents = new Set<Agent>();
  return checkedProvider({
    name: "attached",
    capabilities: Object.freeze({
      ...{ setTimeout: false, pause: true, snapshots: false, fork: false },
      ...{ network: false, updateNetwork: false },
    }),
    async create() {
      throw new EmberboxError("unsupported", NOT_HERE);
    },
    async connect(sandboxId) {
      const { path } = await doorOf(sandboxId);
      const connect = connectionTo(path, sandboxId, closing.signal);
      agents.add(connect.agent);
      return connect.connection;
    },
    async list() {
      return (await findPrograms()).flatMap(({ sandboxes }) => sandboxes.map(infoOf));
    },
    async getInfo(sandboxId) {
      const { sandboxes } = await doorOf(sandboxId);
      return infoOf(sandboxes.find((each) => each.sandboxId === sandboxId)!);
    },
    async kill(sandboxId) {
      const door = await findProgramOf(sandboxId);
      if (door === undefined) return false;
      const { done } = (await ask(door.path, "POST", `/sandboxes/${sandboxId}/kill`)) as {
        done?: unknown;
      };
      return done === true;
    },
    async pause(sandboxId, { signal } = {}) {
      const { path } = await doorOf(sandboxId);
      await ask(path, "POST", `/sandboxes/${sandboxId}/pause`, signal);
      return true;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([...agents].map((agent) => agent.destroy()));
    },
  });
}

async function doorOf(sandboxId: string) {
  const door = await findProgramOf(sandboxId);
  if (door !== undefined) return door;
  const isPaused = await exists(openPaused(paths().state).directoryOf(sandboxId));
  if (isPaused)
    throw new EmberboxError("sandbox_paused", `the sandbox \`${sandboxId}\` is paused`, {
      hint: `\`emberbox resume ${sandboxId}\` runs it.`,
    });
  const what = `no sandbox \`${sandboxId}\` is running in any program of yours`;
  throw new EmberboxError("sandbox_not_found", what);
}

function connectionTo(
  path: string,
  sandboxId: string,
  closing: AbortSignal,
): { connection: SandboxConnection; agent: Agent } {
  const ended = new AbortController();
  let gone: Error | undefined;
  const end = (why: Error): void => {
    gone = why;
    ended.abort(why);
  };
  const watched = ask(path, "GET", `/sandboxes/${sandboxId}/end`, closing).then(
    (why) => end(errorIn(why)),
    () => end(new EmberboxError("sandbox_closed", "the program that had the sandbox has ended")),
  );
  background(watched, () => {});
  const connect: buildConnector.connector = ({ port }, callback) => {
    const open = async (): Promise<void> => {
      const socket = await tunnel(path, sandboxId, Number(port));
      callback(null, socket as never);
    };
    background(open(), (error) => callback(error as Error, null));
  };
  const agent = new Agent({ connect, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const connection: SandboxConnection = {
    sandboxId,
    endpoint: (port) => ({ origin: `http://sandbox:${port}`, headers: {}, dispatcher: agent }),
    gone: () => gone,
    ended: ended.signal,
  };
  return { connection, agent };
}

function infoOf({ program: _program, ...info }: RunningSandbox): SandboxInfo {
  return { ...info, state: "running" };
}

/** The last lines of a running sandbox's console: what its kernel and its agent log. @throws `sandbox_not_found` */
export async function consoleOf(sandboxId: string, signal?: AbortSignal): Promise<string> {
  const { path } = await doorOf(sandboxId);
  const answer = await ask(path, "GET", `/sandboxes/${sandboxId}/console`, signal);
  const { text } = answer as { text?: unknown };
  return typeof text === "string" ? text : "";
}
