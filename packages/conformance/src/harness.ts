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
export type CiteBehaviour = (id: string, body: (sandbox: Sandbox) => Promise<void>) => void;

export interface Harness {
  readonly expect: Expect;
  readonly behaviour: CiteBehaviour;
  provider(): SandboxProvider;
  /** A sandbox of the test's own, to be closed by it. */
  create(options?: CreateOptions): Promise<Sandbox>;
  /** Expects a failure with that code, and gives it. */
  failure(work: Promise<unknown>, code: ErrorCode): Promise<EmberboxError>;
}

const TEST_TIMEOUT_MS = 120_000;

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
    behaviour(id, body) {
      const known = behaviours[id];
      if (known === undefined) throw new Error(`There is no behaviour ${id}`);
      const run = async (): Promise<void> =>
        body(await (shared ??= create({ envs: { SANDBOX_WIDE: "yes" } })));
      runner.test(`${id}: a sandbox ${known.holds}`, run, TEST_TIMEOUT_MS);
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

/** What a run printed. */
export function printed(execution: {
  readonly logs: { readonly stdout: readonly string[] };
}): string {
  return execution.logs.stdout.join("");
}
