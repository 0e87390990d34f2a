import type { AgentContext } from "../context.ts";
import { isObject, RpcError, type Json } from "./connect.ts";
import { isDirectory, resolvePath } from "./paths.ts";
import type { ProcessConfig } from "./process.ts";
import type { TerminalSize } from "./terminal.ts";
import type { User } from "./users.ts";

export interface StartRequest {
  readonly config: ProcessConfig;
  readonly tag: string | undefined;
  readonly stdin: boolean;
  readonly size: TerminalSize | undefined;
}

/** Checks a `process.StartRequest`. */
export function parseStartRequest(message: Json): StartRequest {
  const { process: config, pty, tag, stdin } = message;
  if (!isObject(config)) throw new RpcError("invalid_argument", "no process is described");
  const { cmd, args = [], envs = {}, cwd } = config;
  if (!isText(cmd) || cmd === "")
    throw new RpcError("invalid_argument", "the command is missing or not usable");
  if (!Array.isArray(args) || !args.every(isText))
    throw new RpcError("invalid_argument", "the arguments are not usable");
  if (!isObject(envs) || !isEnvironment(envs))
    throw new RpcError("invalid_argument", "the environment is not usable");
  return {
    config: { cmd, args, envs, ...(typeof cwd === "string" && { cwd }) },
    tag: typeof tag === "string" ? tag : undefined,
    stdin: stdin === true,
    size: isObject(pty) ? parseSize(pty) : undefined,
  };
}

/** The size in a `process.PTY`; what it leaves out is 0, which means that it is not known. */
export function parseSize(pty: unknown): TerminalSize {
  const size = isObject(pty) ? pty["size"] : undefined;
  if (!isObject(size)) throw new RpcError("invalid_argument", "the terminal's size is missing");
  return { columns: dimension(size["cols"]), rows: dimension(size["rows"]) };
}

function dimension(value: unknown = 0): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535)
    return value;
  throw new RpcError("invalid_argument", "a terminal has at most 65535 columns and rows");
}

function isText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}

function isEnvironment(envs: Json): envs is Record<string, string> {
  for (const name in envs) {
    if (name === "" || name.includes("=") || !isText(name) || !isText(envs[name])) return false;
  }
  return true;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of a process of `user`; later values win. */
export function processEnvironment(
  user: User,
  context: AgentContext,
  requested: Record<string, string>,
): Record<string, string> {
  const path = process.env["PATH"] ?? defaultPath;
  return {
    PATH: user.name === "root" ? path : `${user.home}/.local/bin:${path}`,
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: user.shell,
    LANG: "C.UTF-8",
    E2B_SANDBOX: "true",
    ...context.envs,
    ...requested,
  };
}

/** The directory a process starts in. */
export function workingDirectory(
  cwd: string | undefined,
  user: User,
  { defaults }: Pick<AgentContext, "defaults">,
): string {
  if (!cwd && user.name === defaults?.user && isDirectory(defaults.workdir))
    return defaults.workdir;
  const directory = resolvePath(cwd, user);
  if (isDirectory(directory)) return directory;
  throw new RpcError("invalid_argument", `cwd '${directory}' does not exist or is not a directory`);
}
