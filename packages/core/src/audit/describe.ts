import { CommandHandle } from "../commands/handle.ts";
import type { CommandResult } from "../commands/output.ts";
import type { FileData, WriteEntry } from "../files/write.ts";
import { Execution } from "../interpreter/execution.ts";
import type { NetworkOptions } from "../provider.ts";
import { digestOf, PassingDigest } from "./digest.ts";
import type { AuditDigest } from "../audit-event.ts";

type Facts = Readonly<Record<string, unknown>>;

/** What a call is to do, and what it is to be called with: streams are counted as they pass. */
export interface Described {
  readonly facts: Facts;
  readonly args: readonly unknown[];
  /** What is known of its arguments afterwards. */
  readonly later?: (() => Facts) | undefined;
}

type Describe = (args: readonly unknown[], content: boolean) => Described;

const plain = (facts: Facts, args: readonly unknown[]): Described => ({ facts, args });
const textFact =
  (name: string): Describe =>
  (args, content) =>
    plain({ [name]: digestOf(String(args[0]), content), ...contextOf(args[1]) }, args);
const optionsFact =
  (at: number): Describe =>
  (args) =>
    plain(choicesOf(args[at]), args);

/** How methods are described whose arguments are more than paths and ids. */
const special: Readonly<Record<string, Describe>> = {
  runCode: textFact("code"),
  "commands.run": textFact("command"),
  "commands.stream": textFact("command"),
  "commands.sendStdin": inputFact,
  "pty.sendInput": inputFact,
  "files.write": describeWrite,
  createCodeContext: optionsFact(0),
  pause: optionsFact(0),
  createSnapshot: optionsFact(0),
  fork: optionsFact(0),
  checkpoint: optionsFact(0),
  connect: optionsFact(0),
  updateNetwork: ([network], _content) => plain({ network: withoutSecrets(network) }, [network]),
};

/** Describes a call of any method. */
export function describeCall(
  method: string,
  args: readonly unknown[],
  content: boolean,
): Described {
  return (special[method] ?? describeUsual)(args, content);
}

/** The first arguments, as far as they are paths, ids and numbers. */
function describeUsual(args: readonly unknown[]): Described {
  const [first, second] = args;
  const names = Array.isArray(first) ? first.filter((each) => typeof each === "string") : undefined;
  const target = names ?? idOf(first);
  return plain(
    {
      ...(target !== undefined && { target }),
      ...(typeof second === "string" && { to: second }),
      ...contextOf(args.at(-1)),
    },
    args,
  );
}

function idOf(value: unknown): string | number | undefined {
  if (typeof value === "string" || typeof value === "number") return value;
  const { id } = (value ?? {}) as { readonly id?: unknown };
  return typeof id === "string" ? id : undefined;
}

/** Who does it, and where. */
function contextOf(options: unknown): Facts {
  const { user, cwd, language, context, background } = (options ?? {}) as Record<string, unknown>;
  return choicesOf({ user, cwd, language, background, context: idOf(context) });
}

/** Simple values of options: no variables, which may be secrets, and no functions. */
function choicesOf(options: unknown): Facts {
  const simple = Object.entries(options ?? {}).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return Object.fromEntries(simple);
}

function inputFact(args: readonly unknown[], content: boolean): Described {
  const [pid, data] = args;
  const isData = typeof data === "string" || data instanceof Uint8Array;
  return plain({ pid, ...(isData && { input: digestOf(data, content) }) }, args);
}

/** Rules may set credentials, and a proxy may have a password. */
function withoutSecrets(network: unknown): unknown {
  if (typeof network !== "object" || network === null) return network;
  const { rules, egressProxy, ...rest } = network as NetworkOptions;
  return {
    ...rest,
    ...(rules && { rulesFor: Object.keys(rules) }),
    ...(egressProxy && { egressProxy: egressProxy.address }),
  };
}

function describeWrite(args: readonly unknown[], content: boolean): Described {
  const [target, ...rest] = args;
  const isOne = typeof target === "string";
  const entries = isOne
    ? [{ path: target, data: rest[0] as FileData }]
    : ((Array.isArray(target) ? target : []) as readonly WriteEntry[]);
  const passing = new Map<string, PassingDigest>();
  const files: ({ path: string } & Partial<AuditDigest>)[] = [];
  const passed = entries.map((entry) => {
    const { path, data } = entry;
    files.push(Object.assign({ path }, knownDigest(data, content)));
    if (!(data instanceof ReadableStream)) return entry;
    const digest = new PassingDigest();
    passing.set(path, digest);
    return Object.assign({}, entry, { data: digest.through(data) });
  });
  return {
    facts: { files },
    args: isOne ? [target, passed[0]!.data, ...rest.slice(1)] : [passed, ...rest],
    ...(passing.size > 0 && {
      later: () => ({
        files: [...passing].map(([path, digest]) => Object.assign({ path }, digest.soFar())),
      }),
    }),
  };
}

/** Of a Blob only the size is known without reading it. */
function knownDigest(data: FileData, content: boolean): Partial<AuditDigest> {
  if (typeof data === "string" || data instanceof Uint8Array) return digestOf(data, content);
  if (data instanceof ArrayBuffer) return digestOf(new Uint8Array(data), content);
  return data instanceof Blob ? { bytes: data.size } : {};
}

/** What came of a call. */
export function describeResult(value: unknown, content: boolean): Facts {
  if (value instanceof Execution) {
    const { error, logs, results } = value;
    return {
      ...(error && { exception: error.name }),
      results: results.length,
      ...outputOf(logs.stdout.join(""), logs.stderr.join(""), content),
    };
  }
  if (value instanceof CommandHandle) return { pid: value.pid };
  if (isCommandResult(value))
    return { exitCode: value.exitCode, ...outputOf(value.stdout, value.stderr, content) };
  if (typeof value === "string" || value instanceof Uint8Array)
    return { given: digestOf(value, content) };
  if (value instanceof Blob) return { given: { bytes: value.size } };
  if (Array.isArray(value)) return { count: value.length };
  if (typeof value === "boolean" || typeof value === "number") return { answer: value };
  const named = Object.entries(value ?? {}).filter(
    ([name, of]) => /Id$|^id$|^digest$/.test(name) && typeof of === "string",
  );
  return Object.fromEntries(named);
}

/** How a command ended that nobody waited for in the call itself. */
export const describeExit = (
  { exitCode, stdout, stderr }: CommandResult,
  content: boolean,
): Facts => ({
  exitCode,
  ...outputOf(stdout, stderr, content),
});

const outputOf = (stdout: string, stderr: string, content: boolean): Facts => ({
  ...(stdout !== "" && { stdout: digestOf(stdout, content) }),
  ...(stderr !== "" && { stderr: digestOf(stderr, content) }),
});

const isCommandResult = (value: unknown): value is CommandResult =>
  typeof value === "object" && value !== null && "exitCode" in value && "stdout" in value;
