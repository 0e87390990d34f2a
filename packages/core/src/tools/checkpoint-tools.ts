import { z } from "zod";
import type { CheckpointInfo } from "../checkpoint-options.ts";
import type { RollbackResult } from "../provider.ts";
import { EmberboxError } from "../errors.ts";
import { positionOf } from "../sessions/position.ts";
import { putAt } from "../sessions/put-at.ts";
import { queueOf } from "../sessions/sandbox-queue.ts";
import { mustMakeCheckpoints, type SandboxSessions } from "../sessions/sandbox-sessions.ts";
import type { JsonSchema } from "./arguments.ts";
import { callSandbox, type SandboxCall } from "./call-sandbox.ts";
import { presentable } from "./gate.ts";
import { type InputSchema, inputSchema } from "./input.ts";
import type { ToolContext } from "./types.ts";

/** What a tool for checkpoints answers, as plain JSON. */
export interface CheckpointAnswer {
  /** For the model. */
  readonly text: string;
  readonly isError: boolean;
  /** The code of the `EmberboxError` with which the call failed, if any. */
  readonly errorCode?: string;
}

/** A tool with which a model makes checkpoints, or goes back to them. */
export interface CheckpointTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The arguments, as a JSON schema (draft 7). */
  readonly jsonSchema: JsonSchema;
  /** True when it changes nothing. */
  readonly readOnly: boolean;
  /** Runs the tool. Rejects only with an aborted signal's reason. */
  execute(input: unknown, context?: ToolContext): Promise<CheckpointAnswer>;
}

interface Definition<Input> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly readOnly: boolean;
  readonly schema: InputSchema<Input>;
  run(call: SandboxCall, input: Input, context: ToolContext): Promise<string>;
}

/** How many checkpoints a history shows. */
const MAX_SHOWN = 50;

const checkpoint: Definition<{ readonly label?: string | undefined }> = {
  name: "checkpoint",
  title: "Make a checkpoint",
  description:
    "Saves the machine as it is now (files, variables, processes), as a point to which `rollback` can take it back. It " +
    "goes on running. Make one before what may go wrong.",
  readOnly: true,
  schema: inputSchema(
    {
      label: z
        .string()
        .max(100)
        .regex(/^[^\p{Cc}]+$/u)
        .optional()
        .describe("What it is, in a few words"),
    },
    { names: { label: ["name", "description", "message"] } },
  ),
  async run({ sandbox, trail, adapter: by = "tools" }, { label }, { signal }) {
    const made = await sandbox.checkpoint({ ...(label && { label }), by, signal });
    trail?.pin(made.checkpointId);
    return made.unchanged === true
      ? `Nothing has changed since the checkpoint ${made.checkpointId}: it stands for now.`
      : `The checkpoint ${made.checkpointId} was made.`;
  },
};

const rollback: Definition<{ readonly checkpoint_id: string }> = {
  name: "rollback",
  title: "Go back to a checkpoint",
  description:
    "Takes the machine back to a checkpoint: files, variables and processes are as they were then. Where it is now " +
    "becomes a checkpoint, too, so nothing is lost. What it sent over the network cannot be undone.",
  readOnly: false,
  schema: inputSchema(
    { checkpoint_id: z.string().describe("The checkpoint's id, from `checkpoint` or `history`") },
    { names: { checkpoint_id: ["id", "checkpointId", "checkpoint"] } },
  ),
  async run({ sandbox, trail }, { checkpoint_id: checkpointId }, { signal }) {
    const target = (await sandbox.history({ signal })).find(
      (each) => each.checkpointId === checkpointId,
    );
    if (target === undefined) {
      const asked = JSON.stringify(checkpointId.slice(0, 128));
      throw new EmberboxError(
        "invalid_argument",
        `There is no checkpoint ${asked}; see the history`,
      );
    }
    const result =
      trail === undefined
        ? await putAt(sandbox, checkpointId, { signal })
        : await trail.goTo(sandbox, positionOf(target), signal);
    return `The machine is as it was at the checkpoint ${checkpointId}.${sentText(result)}`;
  },
};

const history: Definition<object> = {
  name: "history",
  title: "List checkpoints",
  description:
    "Lists the machine's checkpoints, the oldest first, with the one at which it last was marked.",
  readOnly: true,
  schema: inputSchema({}),
  async run({ sandbox }, _input, { signal }) {
    const all = await sandbox.history({ signal });
    if (all.length === 0) return "There are no checkpoints.";
    const left = all.length - MAX_SHOWN;
    const first = left > 0 ? [`(${left} older ones are not shown.)`] : [];
    return [...first, ...all.slice(-MAX_SHOWN).map(lineOf)].join("\n");
  },
};

function sentText(result: RollbackResult | undefined): string {
  if (result?.network === undefined || result.network.allowed === 0) return "";
  const { allowed, bytesSent } = result.network;
  return ` Since then it had made ${allowed} connections and sent ${bytesSent} bytes, which is not undone.`;
}

function lineOf(info: CheckpointInfo): string {
  const { checkpointId, createdAt, label, parentId, current, damaged } = info;
  const after = parentId === undefined ? "" : `, after ${parentId}`;
  const marks = `${current ? " (current)" : ""}${damaged ? " (damaged)" : ""}`;
  return `${checkpointId}: ${createdAt.toISOString()}${after}${label ? `: ${label}` : ""}${marks}`;
}

/**
 * Tools with which a model makes checkpoints of a conversation's sandbox and goes back to them: `checkpoint`,
 * `rollback` and `history`.
 * @throws `unsupported` when the provider is known to make none
 */
export function createCheckpointTools(
  sessions: SandboxSessions,
  { prefix = "" }: { readonly prefix?: string | undefined } = {},
): CheckpointTool[] {
  mustMakeCheckpoints(sessions.source);
  return [checkpoint, rollback, history].map((of) =>
    toolOf(of as Definition<unknown>, sessions, prefix),
  );
}

function toolOf(
  { name, title, description, readOnly, schema, run }: Definition<unknown>,
  sessions: SandboxSessions,
  prefix: string,
): CheckpointTool {
  return Object.freeze({
    name: `${prefix}${name}`,
    title,
    description,
    jsonSchema: schema.json,
    readOnly,
    async execute(input: unknown, context: ToolContext = {}) {
      const parsed = schema.parse(input);
      if ("problem" in parsed) return answer(parsed.problem, "invalid_argument");
      const { onOutput: _output, ...of } = context;
      return callSandbox(
        sessions,
        { ...of, beside: true },
        (call) =>
          queueOf(call.sandbox).run(
            async () => answer(call.say() + (await run(call, parsed.input, context))),
            context.signal,
          ),
        (error, call) => {
          const { text, code = "internal" } = call.explain(error);
          return answer(call.say() + text, code);
        },
      );
    },
  });
}

function answer(text: string, errorCode?: string): CheckpointAnswer {
  return {
    text: presentable(text),
    isError: errorCode !== undefined,
    ...(errorCode !== undefined && { errorCode }),
  };
}
