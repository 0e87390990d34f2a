import { EmberboxError, Sandbox, type ErrorCode, type SandboxCreateOptions } from "@emberbox/core";
import type { Capabilities, SandboxProvider } from "@emberbox/core/provider";
import { type Behaviour, behaviours } from "./behaviours.ts";

/** What the suite needs from a test runner; vitest's and Jest's functions fit. */
export interface Runner {
  /** Groups the tests that `body` registers. */
  describe(name: string, body: () => void): void;
  readonly test: RegisterTest;
  /** Registers what runs once after all tests of the group; `timeoutMs` is in ms. */
  afterAll(body: () => Promise<void>, timeoutMs?: number): void;
  readonly expect: Expect;
}

/** Registers a test, or a skipped one. */
export interface RegisterTest {
  (name: string, body: () => Promise<void>, timeoutMs?: number): void;
  /** Registers a test that is reported as skipped and does not run. */
  skip(name: string, body: () => Promise<void>): void;
}

/** Makes an assertion about a value. */
export interface Expect {
  (actual: unknown, message?: string): Assertion;
}

/** The assertions that the suite uses. */
export interface Assertion {
  /** The same by `Object.is`. */
  toBe(expected: unknown): void;
  /** The same structure and values. */
  toEqual(expected: unknown): void;
  /** Has at least these properties, with equal values. */
  toMatchObject(expected: object): void;
  /** Has this element, or as a string this part. */
  toContain(expected: unknown): void;
  /** Matches the expression, or contains the string. */
  toMatch(expected: RegExp | string): void;
  /** Smaller than this number. */
  toBeLessThan(expected: number): void;
  /** Greater than this number. */
  toBeGreaterThan(expected: number): void;
}

/**
 * Registers the test of one behaviour; the sandbox that it gets is shared with other tests. The behaviours of
 * capabilities that the provider does not claim are skipped, and so are the refusals of those that it does.
 */
export type CiteBehaviour = (
  id: string,
  body: (sandbox: Sandbox) => Promise<void>,
  timeoutMs?: number,
) => void;

/** A skipped test gives the reason in its name: not every runner has another place for it. */
export const skippedName = (name: string, reason: string): string => `${name} (skipped: ${reason})`;

export interface Harness {
  readonly expect: Expect;
  readonly behaviour: CiteBehaviour;
  provider(): SandboxProvider;
  /** Creates a sandbox for this test only, which must close it. */
  create(options?: SandboxCreateOptions): Promise<Sandbox>;
  /** Expects a failure with that code, and returns it. */
  failure(work: Promise<unknown>, code: ErrorCode): Promise<EmberboxError>;
}

const TEST_TIMEOUT_MS = 300_000;
/** Longer than the default lifetime, since all the tests share one sandbox. */
const SHARED_MS = 3_600_000;

/** A provider and one sandbox of it, created when first needed and closed at the end. */
export function createHarness(makeProvider: () => SandboxProvider, runner: Runner): Harness {
  let made: SandboxProvider | undefined;
  let shared: Promise<Sandbox> | undefined;
  const provider = (): SandboxProvider => (made ??= makeProvider());
  const create = (options: SandboxCreateOptions = {}): Promise<Sandbox> =>
    Sandbox.create({ ...options, provider: provider() });

  runner.afterAll(async () => {
    await (await shared?.catch(() => undefined))?.kill();
    await made?.[Symbol.asyncDispose]();
  }, TEST_TIMEOUT_MS);

  return {
    expect: runner.expect,
    provider,
    create,
    behaviour(id, body, timeoutMs = TEST_TIMEOUT_MS) {
      const known = behaviourOf(id);
      const name = `${id}: a sandbox ${known.holds}`;
      const run = async (): Promise<void> =>
        body(await (shared ??= create({ envs: { SANDBOX_WIDE: "yes" }, timeoutMs: SHARED_MS })));
      const reason = reasonToSkip(known, provider().capabilities);
      if (reason === undefined) runner.test(name, run, timeoutMs);
      else runner.test.skip(skippedName(name, reason), run);
    },
    async failure(work, code) {
      const outcome = await work.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (!("error" in outcome))
        throw new Error(`Expected ${code}, got ${JSON.stringify(outcome.value)?.slice(0, 2000)}`);
      if (!EmberboxError.isInstance(outcome.error)) throw outcome.error;
      runner.expect(outcome.error.code, outcome.error.message).toBe(code);
      return outcome.error;
    },
  };
}

export function behaviourOf(id: string): Behaviour {
  const known = behaviours[id];
  if (known === undefined) throw new Error(`There is no behaviour ${id}`);
  return known;
}

/** Every capability is tested: claimed ones must work, others must be refused. */
function reasonToSkip(
  { capability, unclaimed }: Behaviour,
  capabilities: Readonly<Capabilities>,
): string | undefined {
  if (capability !== undefined && !capabilities[capability]) return `${capability} is not claimed`;
  if (unclaimed !== undefined && capabilities[unclaimed]) return `${unclaimed} is claimed`;
  return undefined;
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until the condition holds, for at most 20 seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 50) {
    if (waited > 20_000) throw new Error("it did not happen within 20 s");
    await delay(50);
  }
}

/** The code of an error of ours, or the text of another. */
export function codeOf(error: unknown): string {
  return EmberboxError.isInstance(error) ? error.code : String(error);
}

/** What a run printed. */
export function printed(execution: {
  readonly logs: { readonly stdout: readonly string[] };
}): string {
  return execution.logs.stdout.join("");
}
