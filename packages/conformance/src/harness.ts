import {
  EmberboxError,
  Sandbox,
  type CreateOptions,
  type ErrorCode,
  type SandboxProvider,
} from "@emberbox/core";
import { behaviours } from "./behaviours.ts";

/** What the suite needs of a test runner; vitest's and Jest's fit. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>, timeoutMs?: number): void;
  afterAll(body: () => Promise<void>, timeoutMs?: number): void;
  readonly expect: Expect;
  /** Keeps with the test that runs now why there is nothing to run, for those who read the results. */
  without?(reason: string): void;
}

export interface Expect {
  (actual: unknown, message?: string): Assertion;
}

export interface Assertion {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: unknown): void;
  toMatch(expected: RegExp | string): void;
  toBeLessThan(expected: number): void;
  toBeGreaterThan(expected: number): void;
}

/** Registers the test of one behaviour; it gets a sandbox that other tests use too. */
export type CiteBehaviour = (
  id: string,
  body: (sandbox: Sandbox) => Promise<void>,
  timeoutMs?: number,
) => void;

export interface Harness {
  readonly expect: Expect;
  readonly behaviour: CiteBehaviour;
  provider(): SandboxProvider;
  /** A sandbox of the test's own, to be closed by it. */
  create(options?: CreateOptions): Promise<Sandbox>;
  /** Expects a failure with that code, and gives it. */
  failure(work: Promise<unknown>, code: ErrorCode): Promise<EmberboxError>;
}

const TEST_TIMEOUT_MS = 300_000;
/** The tests take longer than a sandbox usually lives. */
const SHARED_MS = 3_600_000;

/** A provider and one sandbox of it, made when first needed and closed at the end. */
export function createHarness(makeProvider: () => SandboxProvider, runner: Runner): Harness {
  let made: SandboxProvider | undefined;
  let shared: Promise<Sandbox> | undefined;
  const provider = (): SandboxProvider => (made ??= makeProvider());
  const create = (options: CreateOptions = {}): Promise<Sandbox> =>
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
      const known = behaviours[id];
      if (known === undefined) throw new Error(`There is no behaviour ${id}`);
      const run = async (): Promise<void> =>
        body(await (shared ??= create({ envs: { SANDBOX_WIDE: "yes" }, timeoutMs: SHARED_MS })));
      runner.test(`${id}: a sandbox ${known.holds}`, run, timeoutMs);
    },
    async failure(work, code) {
      const outcome = await work.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (!("error" in outcome)) throw new Error(`Expected ${code}, but it succeeded`);
      if (!EmberboxError.isInstance(outcome.error)) throw outcome.error;
      runner.expect(outcome.error.code, outcome.error.message).toBe(code);
      return outcome.error;
    },
  };
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until that is so, for 20 seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 50) {
    if (waited > 20_000) throw new Error("it did not happen within 20 s");
    await delay(50);
  }
}

/** What a run printed. */
export function printed(execution: {
  readonly logs: { readonly stdout: readonly string[] };
}): string {
  return execution.logs.stdout.join("");
}
