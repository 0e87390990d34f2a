import { auditDigest } from "@emberbox/core/audit";
import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";

/** What a request of a sandbox's agent asks for. */
export interface AgentCall {
  /** As the library calls it, or the request's method and path. */
  readonly method: string;
  /** What its body is: what says what is to be done, or content that passes. */
  readonly body: "none" | "json" | "envelope" | "file" | "stream";
  /** What its answer is. */
  readonly answer?: "process" | "code" | "content";
}

const PROCESS: Readonly<Record<string, AgentCall>> = {
  Start: { method: "commands.run", body: "envelope", answer: "process" },
  Connect: { method: "commands.connect", body: "envelope", answer: "process" },
  List: { method: "commands.list", body: "json" },
  SendInput: { method: "commands.sendStdin", body: "json" },
  StreamInput: { method: "commands.sendStdin", body: "stream" },
  SendSignal: { method: "commands.kill", body: "json" },
  CloseStdin: { method: "commands.closeStdin", body: "json" },
};
const FILES: Readonly<Record<string, AgentCall>> = {
  Stat: { method: "files.getInfo", body: "json" },
  MakeDir: { method: "files.makeDir", body: "json" },
  Move: { method: "files.rename", body: "json" },
  ListDir: { method: "files.list", body: "json" },
  Remove: { method: "files.remove", body: "json" },
  WatchDir: { method: "files.watchDir", body: "envelope" },
  CreateWatcher: { method: "files.watchDir", body: "json" },
  RemoveWatcher: { method: "files.unwatchDir", body: "json" },
};
const HTTP: Readonly<Record<string, AgentCall>> = {
  "GET /files": { method: "files.read", body: "none", answer: "content" },
  "POST /files": { method: "files.write", body: "file" },
};
const CODE: readonly (readonly [RegExp, AgentCall])[] = [
  [/^POST (\/users\/[^/]+)?\/execute$/, { method: "runCode", body: "json", answer: "code" }],
  [/^POST (\/users\/[^/]+)?\/contexts$/, { method: "createCodeContext", body: "json" }],
  [/^GET \/contexts$/, { method: "listCodeContexts", body: "none" }],
  [/^DELETE \/contexts\/[^/]+$/, { method: "removeCodeContext", body: "none" }],
  [/^POST \/contexts\/[^/]+\/restart$/, { method: "restartCodeContext", body: "none" }],
];
/** What only looks, and clients ask all the time. */
const UNRECORDED = /^GET \/(health|metrics|envs|waiting)$/;
const POLLED = /^(GetWatcherEvents|Update)$/;

/** What a request of an agent is; `undefined` for what is not recorded. `path` has no query, and is in its usual form. */
export function agentCall(port: number, verb: string, path: string): AgentCall | undefined {
  const line = `${verb} ${path}`;
  if (UNRECORDED.test(line)) return undefined;
  const unknown: AgentCall = { method: line.slice(0, 200), body: "stream" };
  if (port === INTERPRETER_PORT) return CODE.find(([form]) => form.test(line))?.[1] ?? unknown;
  if (port !== ENVD_PORT) return undefined;
  // As the agent reads it: what follows a method is passed over.
  const [, service, method = ""] = path.split("/", 3);
  if (service === "process.Process" || service === "filesystem.Filesystem") {
    if (POLLED.test(method)) return undefined;
    const calls = service === "process.Process" ? PROCESS : FILES;
    return Object.hasOwn(calls, method) ? calls[method]! : unknown;
  }
  return Object.hasOwn(HTTP, line) ? HTTP[line]! : unknown;
}

type Facts = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

/** What the message of a request says of the call, and what it is called if the message decides that. */
export function factsOf(
  { method, body }: AgentCall,
  bytes: Buffer,
  content: boolean,
): { readonly method: string; readonly facts: Facts } {
  const message = messageIn(body === "envelope" ? bytes.subarray(5) : bytes);
  // The agent refuses it, or reads more in it than is known here.
  if (message === undefined) return { method, facts: { body: auditDigest(bytes, content) } };
  if (method === "runCode") return { method, facts: codeFacts(message, content) };
  if (method === "commands.run") return processFacts(message, content);
  if (method === "commands.sendStdin") return inputFacts(message, content);
  return { method, facts: simpleFacts(message) };
}

function messageIn(bytes: Buffer): Fields | undefined {
  try {
    const value = JSON.parse(bytes.toString()) as unknown;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function codeFacts({ code, language, context_id: context }: Fields, content: boolean): Facts {
  return { code: digestIn(code, content), ...texts({ language, context }) };
}

function processFacts({ process, pty, tag }: Fields, content: boolean) {
  const { cmd, args, cwd } = isObject(process) ? process : {};
  const words = [cmd, ...(Array.isArray(args) ? (args as unknown[]) : [])].map(String);
  // E2B's SDKs have a shell run each command.
  const isShell = words.length === 4 && words.slice(0, 3).join(" ") === "/bin/bash -l -c";
  const command = isShell ? words[3]! : words.join(" ");
  return {
    method: isObject(pty) ? "pty.create" : "commands.run",
    facts: { command: auditDigest(command, content), ...texts({ cwd, tag }) },
  };
}

function inputFacts({ process, input }: Fields, content: boolean) {
  const { stdin, pty } = isObject(input) ? input : {};
  const data = pty ?? stdin;
  const bytes = typeof data === "string" ? Buffer.from(data, "base64") : undefined;
  return {
    method: pty === undefined ? "commands.sendStdin" : "pty.sendInput",
    facts: { pid: pidIn(process), ...(bytes && { input: auditDigest(bytes, content) }) },
  };
}

function simpleFacts({ path, source, destination, process, signal, language, cwd }: Fields): Facts {
  return {
    ...texts({ target: path ?? source, to: destination, signal, language, cwd }),
    ...(isObject(process) && { pid: pidIn(process) }),
  };
}

const pidIn = (process: unknown): unknown => {
  const { pid, tag } = isObject(process) ? process : {};
  return typeof pid === "number"
    ? pid
    : typeof tag === "string"
      ? tag.slice(0, MAX_TEXT)
      : undefined;
};

const digestIn = (value: unknown, content: boolean): unknown =>
  typeof value === "string" ? auditDigest(value, content) : undefined;

/** The longest name or path that is recorded whole. */
const MAX_TEXT = 4096;

/** Those that are texts, cut to a length that a log can bear. */
export const texts = (of: Fields): Facts =>
  Object.fromEntries(
    Object.entries(of).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value.slice(0, MAX_TEXT)]] : [],
    ),
  );

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
