import { background } from "../background.ts";
import { CommandHandle } from "../commands/handle.ts";
import { EmberboxError } from "../errors.ts";
import { describeCall, describeExit, describeResult } from "./describe.ts";
import { PassingDigest } from "./digest.ts";
import type { AuditFields } from "../audit-event.ts";
import type { Recorder } from "./recorder.ts";

/** What only looks at a sandbox, and programs ask all the time. */
const UNRECORDED = /^(getInfo|getMetrics|isRunning|getNetworkLog|pty\.resize)$/;
/** What belongs to an object, and is no call. */
const OWN = /^(constructor|then|toString|toJSON|valueOf)$/;
/** Parts of a sandbox, whose methods are calls, too. */
const PARTS = /^(files|commands|pty|workspace)$/;

const recorders = new WeakMap<object, Recorder>();

/** Who records what is asked of an object; `undefined` of most. */
export const recorderOf = (of: object): Recorder | undefined => recorders.get(of);

/**
 * The same object, with each call of a method recorded before it is made, and its result afterwards. Methods that an
 * object calls of its own are not.
 */
export function recorded<Of extends object>(
  of: Of,
  sandboxId: string,
  recorder: Recorder,
  wrapCopy: (copy: unknown) => unknown = (copy) => copy,
  prefix = "",
): Of {
  const made = new Map<PropertyKey, unknown>();
  const proxy = new Proxy(of, {
    get(target, name) {
      if (made.has(name)) return made.get(name);
      const value = Reflect.get(target, name, target) as unknown;
      let wrapped: unknown = value;
      const method = `${prefix}${String(name)}`;
      if (
        typeof name === "string" &&
        PARTS.test(method) &&
        typeof value === "object" &&
        value !== null
      )
        wrapped = recorded(value, sandboxId, recorder, undefined, `${method}.`);
      else if (typeof value !== "function" || OWN.test(String(name))) return value;
      else if (typeof name === "symbol" || UNRECORDED.test(method)) wrapped = value.bind(target);
      else
        wrapped = (...args: unknown[]) =>
          recordCall({ sandboxId, recorder, method }, args, (given) =>
            Reflect.apply(value as () => unknown, target, given),
          ).then((result) => (result === target ? proxy : wrapCopies(result, wrapCopy)));
      if (name === Symbol.asyncDispose) wrapped = () => (proxy as { kill(): unknown }).kill();
      made.set(name, wrapped);
      return wrapped;
    },
  });
  recorders.set(proxy, recorder);
  return proxy;
}

const wrapCopies = (result: unknown, wrapCopy: (copy: unknown) => unknown): unknown =>
  Array.isArray(result) ? result.map(wrapCopy) : result;

/** Which call something belongs to. */
interface About {
  readonly sandboxId: string;
  readonly call: number;
  readonly method: string;
}

/** Nothing happens in a sandbox by them. */
const STOPS: ReadonlySet<string> = new Set(["kill", "pause"]);

/** A call that is to be recorded. */
export interface RecordedCall {
  readonly sandboxId: string;
  readonly recorder: Recorder;
  readonly method: string;
}

/** Makes a call, and records it before that, and its result afterwards. @throws what it throws, and `audit_failed` */
export async function recordCall(
  { sandboxId, recorder, method }: RecordedCall,
  given: readonly unknown[],
  work: (args: readonly unknown[]) => unknown,
): Promise<unknown> {
  const { content } = recorder;
  const number = recorder.nextCall();
  const about = { sandboxId, call: number, method };
  const { facts, args, later } = describeCall(method, given, content);
  const called = { ...about, event: "call", ...facts } as const;
  // A log that is full keeps no sandbox alive, and none from being kept.
  await (STOPS.has(method) ? recorder.after(called) : recorder.before(called));
  const started = performance.now();
  const end = async (outcome: Readonly<Record<string, unknown>>): Promise<void> => {
    const durationMs = Math.round(performance.now() - started);
    const fields = { ...about, event: "result", ...outcome, durationMs, ...later?.() } as const;
    await recorder.after(fields satisfies AuditFields);
  };
  try {
    const result = await work(args);
    if (result instanceof ReadableStream) {
      await end({ streamed: true });
      return counted(result as ReadableStream<Uint8Array>, about, recorder);
    }
    await end(describeResult(result, content));
    if (result instanceof CommandHandle) background(followed(result, about, recorder), () => {});
    return result;
  } catch (error) {
    await end({ error: failureOf(error) });
    throw error;
  }
}

/** What is recorded of an error. */
export function failureOf(error: unknown): { code: string; message: string } {
  if (EmberboxError.isInstance(error)) return { code: error.code, message: error.message };
  return error instanceof Error
    ? { code: error.name, message: error.message }
    : { code: "thrown", message: String(error) };
}

/** Records the end of a command that nobody waits for in the call itself. */
async function followed(command: CommandHandle, about: About, recorder: Recorder): Promise<void> {
  const facts = await command.wait().then(
    (result) => describeExit(result, recorder.content),
    (error: unknown) => ({ error: failureOf(error) }),
  );
  await recorder.after({ ...about, event: "exit", pid: command.pid, ...facts });
}

/** Records what a stream has given, once it is read to its end. */
function counted(
  stream: ReadableStream<Uint8Array>,
  about: About,
  recorder: Recorder,
): ReadableStream<Uint8Array> {
  const digest = new PassingDigest();
  const told = new TransformStream<Uint8Array, Uint8Array>({
    flush: () => recorder.after({ ...about, event: "exit", given: digest.soFar() }),
  });
  return digest.through(stream).pipeThrough(told);
}
