import { EmberboxError, type FieldsOf, parseOptions, type Sandbox } from "@emberbox/core";
import {
  type ResolvedSource,
  resolveSource,
  type SessionCreateOptions,
  type ToolOutput,
} from "@emberbox/core/tools";
import type { SnapshotSpec } from "@openai/agents-core/sandbox";
import { z } from "zod";

/** Options of the client, and for one run as `sandbox: { client, options }`, which win. */
export interface EmberboxSandboxClientOptions extends SessionCreateOptions {
  /** A sandbox of yours to work in, instead of one made for each session. It stays yours, and is never ended. */
  readonly sandbox?: Sandbox | undefined;
  /** How long a command may run before it is ended, in milliseconds; 0 for no limit. @default 0 */
  readonly commandTimeoutMs?: number | undefined;
  /**
   * How a session's state is kept: the framework's `local`, `remote` and `noop`, and `emberbox`, the machine with its
   * memory. @default paused while a run waits for approval where the provider can, else archived; nothing after a run
   */
  readonly snapshot?: SnapshotSpec | undefined;
  /**
   * Hears what commands print, as they print it; one that returns a promise is waited for, and one that throws does not
   * stop the command.
   */
  readonly onOutput?: ((output: ToolOutput) => unknown) | undefined;
  /** Stops the creation of a session. */
  readonly signal?: AbortSignal | undefined;
}

/** The framework's options are records of anything. */
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
