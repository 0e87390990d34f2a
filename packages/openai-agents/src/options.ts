import { EmberboxError, type Sandbox } from "@emberbox/core";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import {
  type CallCheckpoints,
  callCheckpoints,
  mustMakeCheckpoints,
  type ResolvedSource,
  resolveSource,
  type SessionCreateOptions,
  type ToolOutput,
} from "@emberbox/core/tools";
import {
  type SandboxArchiveLimits,
  type SandboxConcurrencyLimits,
  type SnapshotSpec,
  validateSandboxArchiveLimits,
} from "@openai/agents-core/sandbox";
import { z } from "zod";
import { type Limits, resolveLimits } from "./manifest/limits.ts";

/** What the adapter calls itself. */
export const ADAPTER = "openai-agents";

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
   * Ports of servers in the sandbox. Their addresses are in the state from the beginning, and after a session is
   * resumed; other ports are then refused.
   * @default any port, once it is asked for
   */
  readonly exposedPorts?: readonly number[] | undefined;
  /**
   * Takes a checkpoint before each call that can change something, and one after it, unless nothing changed; commands
   * and patches then run one at a time. A session that is resumed from a state that was saved earlier finds its machine
   * as it was then. Needs a provider with checkpoints.
   * @default none are taken
   */
  readonly checkpoints?: CallCheckpoints | undefined;
  /** How many entries of a manifest are created at once, and how many files of a local directory are read. @default 4 */
  readonly concurrencyLimits?: SandboxConcurrencyLimits | undefined;
  /** Limits for archives that are unpacked; `null` for none. @default the framework's */
  readonly archiveLimits?: SandboxArchiveLimits | null | undefined;
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

export const port: z.ZodInt = z.int().min(1).max(65_535);
const limit = z.number().min(1);

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
  exposedPorts: z.array(port).optional().describe("an array of port numbers"),
  checkpoints: callCheckpoints.optional().describe(callCheckpoints.description!),
  concurrencyLimits: z
    .strictObject({ manifestEntries: limit.exactOptional(), localDirFiles: limit.exactOptional() })
    .optional()
    .describe("`{ manifestEntries, localDirFiles }`, numbers of at least 1"),
  archiveLimits: z
    .custom<SandboxArchiveLimits>((value) => typeof value === "object")
    .nullish()
    .describe("`{ maxInputBytes, maxExtractedBytes, maxMembers }` or null"),
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
  readonly exposedPorts: readonly number[] | undefined;
  readonly checkpoints: CallCheckpoints | undefined;
  readonly limits: Limits;
  readonly archiveLimits: SandboxArchiveLimits | null | undefined;
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
    exposedPorts,
    checkpoints,
    concurrencyLimits,
    archiveLimits,
    onOutput,
    signal,
    ...create
  } = { ...base, ...more };
  const limited = { checkpoints, commandTimeoutMs, concurrencyLimits, archiveLimits };
  parseOptions(optionsSchema, { sandbox, snapshot, exposedPorts, ...limited, onOutput, signal });
  validateSandboxArchiveLimits(archiveLimits);
  if (sandbox !== undefined && Object.keys(create).length > 0) {
    const names = Object.keys(create).join(", ");
    throw new EmberboxError(
      "invalid_argument",
      `A sandbox was given, so these options have no use: ${names}`,
    );
  }
  const source = resolveSource(sandbox ?? create);
  if (checkpoints !== undefined) mustMakeCheckpoints(source);
  const limits = resolveLimits(concurrencyLimits);
  const settings = { source, commandTimeoutMs, snapshot, exposedPorts, checkpoints, limits };
  return { ...settings, archiveLimits, onOutput, signal };
}

function isSpec(value: unknown): boolean {
  const type = (value as { readonly type?: unknown } | null)?.type;
  return ["local", "remote", "emberbox", "noop"].includes(type as string);
}
