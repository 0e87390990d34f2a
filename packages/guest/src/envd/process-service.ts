import type { IncomingMessage } from "node:http";
import { CommandGroups, type CommandGroup } from "../cgroup.ts";
import type { AgentContext } from "../context.ts";
import { fittingArguments } from "./arguments.ts";
import { launch, type Child } from "./child.ts";
import { encodeEnvelope, EventStream, isObject, RpcError, type Json } from "./connect.ts";
import { createPipeMaker } from "./pipes.ts";
import { endFrame, ManagedProcess } from "./process.ts";
import { ProcessTable } from "./process-table.ts";
import { parseSignal } from "./signals.ts";
import {
  parseSize,
  parseStartRequest,
  processEnvironment,
  workingDirectory,
} from "./start-request.ts";
import { deadlineOf, keepAlive } from "./stream-timers.ts";
import { launchOnTerminal } from "./terminal.ts";
import { requestUser } from "./users.ts";

/** How long a killed process may take to end before its stream ends without it. */
const lastWordsMs = 1000;

export type UnaryMethod = (message: Json, request: IncomingMessage) => unknown;
export type StreamMethod = (
  message: Json,
  request: IncomingMessage,
  stream: EventStream,
) => void | Promise<void>;

export interface Service {
  readonly unary: Readonly<Record<string, UnaryMethod>>;
  readonly streams: Readonly<Record<string, StreamMethod>>;
  /** Methods that receive many messages and answer with one. */
  readonly inputs: Readonly<Record<string, (messages: AsyncIterable<Json>) => Promise<Json>>>;
}

/** The methods of `process.Process`. */
export function createProcessService(context: AgentContext): Service {
  const table = new ProcessTable();
  const pipes = createPipeMaker();
  const groups = new CommandGroups();
  /** Work that is put off until nobody waits for it. */
  const tidy = (group: CommandGroup | undefined): void => {
    if (group !== undefined) groups.giveBack(group);
    groups.refill();
    pipes.refill();
  };

  async function start(
    message: Json,
    request: IncomingMessage,
    stream: EventStream,
  ): Promise<void> {
    const { config, tag, stdin, size } = parseStartRequest(message);
    const milliseconds = deadlineOf(request);
    const user = requestUser(request, context);
    const directory = workingDirectory(config.cwd, user, context);
    const environment = processEnvironment(user, context, config.envs);
    const { args, remove } = fittingArguments(config, user, environment);
    const group = groups.take();
    const options = {
      command: config.cmd,
      args,
      environment,
      directory,
      user,
      stdin,
      group,
    };
    let pid = 0;
    let deadline: NodeJS.Timeout | undefined;
    const process = new ManagedProcess(config, tag, group, (end) => {
      clearTimeout(deadline);
      remove();
      table.end(pid, process.tag, end);
      setImmediate(tidy, group);
    });
    let child: Child;
    try {
      child = size
        ? launchOnTerminal(options, size, process)
        : await launch(options, pipes, process);
    } catch (error) {
      remove();
      tidy(group);
      throw error;
    }
    pid = child.pid;
    process.attach(child);
    table.add(pid, process);

    let isLate = false;
    if (milliseconds !== undefined) {
      deadline = setTimeout(() => {
        isLate = true;
        process.signal("SIGKILL");
        setTimeout(() => stream.end(deadlineError()), lastWordsMs);
      }, milliseconds);
    }
    stream.write(startFrame(pid));
    keepAlive(stream, request, keepAliveFrame);
    process.follow(stream, (end) => {
      if (isLate) stream.end(deadlineError());
      else stream.endWith(endFrame(end));
    });
  }

  function connect(message: Json, request: IncomingMessage, stream: EventStream): void {
    const selector = message["process"];
    const milliseconds = deadlineOf(request);
    const ended = table.find(selector) === undefined ? table.ended(selector) : undefined;
    if (ended !== undefined) {
      stream.write(startFrame(ended.pid));
      return stream.endWith(endFrame(ended.end));
    }
    const process = table.get(selector);
    stream.write(startFrame(process.child.pid));
    keepAlive(stream, request, keepAliveFrame);
    if (milliseconds !== undefined) {
      const timer = setTimeout(() => stream.end(deadlineError()), milliseconds);
      stream.onClose(() => clearTimeout(timer));
    }
    process.follow(stream, (end) => stream.endWith(endFrame(end)));
  }

  /** Input as a stream of messages: first which process, then what it is to read. */
  async function streamInput(messages: AsyncIterable<Json>): Promise<Json> {
    let child: Child | undefined;
    for await (const { start, data } of messages) {
      if (isObject(start)) child = table.get(start["process"]).child;
      if (data === undefined) continue;
      if (child === undefined)
        throw new RpcError("invalid_argument", "the stream does not begin with a process");
      await sendInput(child, isObject(data) ? data["input"] : undefined);
    }
    return {};
  }

  return {
    streams: { Start: start, Connect: connect },
    inputs: { StreamInput: streamInput },
    unary: {
      List: () => ({ processes: table.list() }),
      Update: ({ process, pty }) => {
        const { child } = table.get(process);
        if (pty !== undefined) {
          const { columns, rows } = parseSize(pty);
          child.resize(columns, rows);
        }
        return {};
      },
      SendInput: async ({ process, input }) => {
        const { child } = table.get(process);
        await sendInput(child, input);
        return {};
      },
      SendSignal: ({ process, signal }) => {
        table.get(process).signal(parseSignal(signal));
        return {};
      },
      CloseStdin: ({ process }) => {
        table.get(process).child.closeInput();
        return {};
      },
    },
  };
}

function sendInput(child: Child, input: unknown): Promise<void> {
  for (const kind of ["stdin", "pty"] as const) {
    const data = isObject(input) ? input[kind] : undefined;
    if (typeof data === "string") return child.write(kind, decode(data));
  }
  throw new RpcError("invalid_argument", "no input is given");
}

function decode(base64: string): Buffer {
  const data = Buffer.from(base64, "base64");
  // Node passes over what is not base64, which would be lost.
  if (data.length !== Buffer.byteLength(base64, "base64"))
    throw new RpcError("invalid_argument", "the input is not base64");
  return data;
}

function startFrame(pid: number): Buffer {
  return encodeEnvelope(0, { event: { start: { pid } } });
}

const keepAliveFrame = encodeEnvelope(0, { event: { keepalive: {} } });

function deadlineError(): RpcError {
  return new RpcError("deadline_exceeded", "the time limit of the process was reached");
}
