import { z } from "zod";
import { EmberboxError } from "./errors.ts";
import {
  type FieldsOf,
  lifetime,
  parseArgument,
  parseOptions,
  sandboxId,
  signal,
} from "./options.ts";
import type {
  SandboxConnection,
  SandboxProvider,
  SignalOptions,
  SnapshotInfo,
} from "./provider.ts";

/** What to keep of a paused sandbox. */
export interface PauseOptions extends SignalOptions {
  /** False keeps only the disk, so that resuming boots the sandbox. @default true */
  readonly keepMemory?: boolean | undefined;
}

/** How to name a snapshot. */
export interface SnapshotOptions extends SignalOptions {
  /**
   * A name that can be used in place of the snapshot's id, until a later snapshot takes it. Letters, digits, `.`, `_`
   * and `-`.
   */
  readonly name?: string | undefined;
}

/** Which snapshots to list. */
export interface ListSnapshotsOptions extends SignalOptions {
  /** Only snapshots of this sandbox. */
  readonly sandboxId?: string | undefined;
  /** Only the snapshot with this name. */
  readonly name?: string | undefined;
}

/** How many copies to make, and how long they live. */
export interface ForkOptions extends SignalOptions {
  /** How many copies, 1 to 100. @default 1 */
  readonly count?: number | undefined;
  /** Lifetime of each copy in milliseconds. @default 300_000 */
  readonly timeoutMs?: number | undefined;
}

const snapshotName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .describe("1 to 128 letters, digits, `.`, `_` and `-`, the first a letter or digit");
/** E2B's cloud adds a team and a tag to ids. */
export const snapshotId: z.ZodString = z
  .string()
  .regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/)
  .describe("a snapshot's id or name");

const pauseSchema = z.strictObject({
  signal,
  keepMemory: z.boolean().optional().describe("true or false"),
} satisfies FieldsOf<PauseOptions>);
const snapshotSchema = z.strictObject({
  signal,
  name: snapshotName.optional().describe(snapshotName.description!),
} satisfies FieldsOf<SnapshotOptions>);
const listSchema = z.strictObject({
  signal,
  sandboxId: sandboxId.optional().describe(sandboxId.description!),
  name: snapshotId.optional().describe(snapshotId.description!),
} satisfies FieldsOf<ListSnapshotsOptions>);
const forkSchema = z.strictObject({
  signal,
  count: z.int().min(1).max(100).optional().describe("a whole number from 1 to 100"),
  timeoutMs: lifetime.optional().describe(lifetime.description!),
} satisfies FieldsOf<ForkOptions>);
const signalSchema = z.strictObject({ signal } satisfies FieldsOf<SignalOptions>);

export const parsePause = (options: unknown): PauseOptions => parseOptions(pauseSchema, options);
export const parseSnapshot = (options: unknown): SnapshotOptions =>
  parseOptions(snapshotSchema, options);
export const parseList = (options: unknown): ListSnapshotsOptions =>
  parseOptions(listSchema, options);
export const parseFork = (options: unknown): ForkOptions => parseOptions(forkSchema, options);
export const parseSignal = (options: unknown): SignalOptions => parseOptions(signalSchema, options);

export async function pauseSandbox(
  provider: SandboxProvider,
  id: string,
  options?: PauseOptions,
): Promise<boolean> {
  const parsed = parsePause(options);
  if (!provider.pause) throw unsupported(provider, "pause a sandbox");
  parsed.signal?.throwIfAborted();
  return provider.pause(id, parsed);
}

export async function snapshotSandbox(
  provider: SandboxProvider,
  id: string,
  options?: SnapshotOptions,
): Promise<SnapshotInfo> {
  const parsed = parseSnapshot(options);
  if (!provider.createSnapshot) throw unsupported(provider, "make snapshots");
  parsed.signal?.throwIfAborted();
  return provider.createSnapshot(id, parsed);
}

export async function listSnapshots(
  provider: SandboxProvider,
  options?: ListSnapshotsOptions,
): Promise<SnapshotInfo[]> {
  const parsed = parseList(options);
  if (!provider.listSnapshots) throw unsupported(provider, "make snapshots");
  parsed.signal?.throwIfAborted();
  return provider.listSnapshots(parsed);
}

export async function deleteSnapshot(
  provider: SandboxProvider,
  id: string,
  options?: SignalOptions,
): Promise<boolean> {
  const parsed = parseSignal(options);
  parseArgument(snapshotId, "snapshotId", id);
  if (!provider.deleteSnapshot) throw unsupported(provider, "make snapshots");
  parsed.signal?.throwIfAborted();
  return provider.deleteSnapshot(id, parsed);
}

export async function forkSandbox(
  provider: SandboxProvider,
  id: string,
  options?: ForkOptions,
): Promise<(SandboxConnection | EmberboxError)[]> {
  const parsed = parseFork(options);
  if (!provider.fork) throw unsupported(provider, "fork a sandbox");
  parsed.signal?.throwIfAborted();
  return provider.fork(id, parsed);
}

export function unsupported(provider: SandboxProvider, what: string): EmberboxError {
  return new EmberboxError("unsupported", `The provider ${provider.name} cannot ${what}`);
}
