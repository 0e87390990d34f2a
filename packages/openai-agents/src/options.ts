import { EmberboxError, type Sandbox } from "@emberbox/core";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import {
  type ResolvedSource,
  resolveSource,
  type SessionCreateOptions,
  type ToolOutput,
} from "@emberbox/core/tools";
import type { SnapshotSpec } from "@openai/agents-core/sandbox";
import { z } from "zod";

/** Options of the client, and of a single run as `sandbox: { client, options }`, which take precedence. */
export interface EmberboxSandboxClientOptions extends SessionCreateOptions {
  /** A sandbox of yours to work in, instead of a new one for each session. It stays yours, and is never ended. */
  readonly sandbox?: Sandbox | undefined;
  /** How long a command may run before it is killed, in milliseconds; 0 for no limit. @default 0 */
  readonly commandTimeoutMs?: number | undefined;
  /**
   * How a session's state is kept: with the framework's `local`, `remote` or `noop`, or with `emberbox`, which saves
   * the machine including its memory.
   * @default while a run waits for approval, pausing where the provider can and archiving otherwise; nothing after a
   * run
   */
  readonly snapshot?: SnapshotSpec | undefined;
  /**
   * Called with what commands print, as they print it. If it returns a promise, the promise is awaited; if it throws,
   * the command goes on.
   */
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  /** Aborts the creation of a session. */
  readonly signal?: AbortSignal | undefined;
}

/** The framework requires options to be records of anything. */
export type ClientOptions = EmberboxSandboxClientOptions & Record<string, unknown>;

type OwnOptions = Omit<EmberboxSandboxClientOptions, keyof SessionCreateOptions>;

const optionsSchema = z.strictObject({
  sandbox: z
    .custom<Sandbox>((value) => typeof value === "object" && value !== null)
    .optional()
    .describe("a sandbox"),
  commandTimeoutMs: z.int().nonnegative().optional().describe("a non-negative integer"),
  snapshot: z
    .custom<SnapshotSpec>(isSpec)
    .optional()
    .describe('`{ type: "local" | "remote" | "emberbox" | "noop" }`'),
  onOutput: z
    .custom<(output: ToolOutput) => unknown>((value) => typeof value === "function")
    .optional()
    .describe("a function"),
  signal: z
    .custom<AbortSignal>((value) => value instanceof AbortSignal)
    .optional()
    .describe("an AbortSignal"),
} satisfies FieldsOf<OwnOptions>);

export interface Settings {
  readonly source: ResolvedSource;
  readonly commandTimeoutMs: number;
  readonly snapshot: SnapshotSpec | undefined;
  readonly onOutput: EmberboxSandboxClientOptions["onOutput"];
  readonly signal: AbortSignal | undefined;
}

/** @throws `invalid_argument` */
export function resolveClientOptions(
  base: EmberboxSandboxClientOptions,
  more: EmberboxSandboxClientOptions | undefined,
): Settings {
  const {
    sandbox,
    commandTimeoutMs = 0,
    snapshot,
    onOutput,
    signal,
    ...create
  } = { ...base, ...more };
  parseOptions(optionsSchema, { sandbox, commandTimeoutMs, snapshot, onOutput, signal });
  if (sandbox !== undefined && Object.keys(create).length > 0) {
    const names = Object.keys(create).join(", ");
    throw new EmberboxError(
      "invalid_argument",
      `A sandbox was given, so these options have no use: ${names}`,
    );
  }
  const source = resolveSource(sandbox ?? create);
  return { source, commandTimeoutMs, snapshot, onOutput, signal };
}

function isSpec(value: unknown): boolean {
  const type = (value as { readonly type?: unknown } | null)?.type;
  return ["local", "remote", "emberbox", "noop"].includes(type as string);
}
