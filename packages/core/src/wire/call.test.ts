import { expect, test } from "vitest";
import { EmberboxError } from "../errors.ts";
import type { SandboxConnection } from "../provider.ts";
import { scriptedSandbox } from "../testing/scripted-sandbox.ts";
import { Call } from "./call.ts";

const died = new EmberboxError("sandbox_died", "the machine ended");
const broken = new Error("socket hang up");

/** A connection that knows `after` milliseconds later why it broke. */
function breaking(after: number, tells: boolean): SandboxConnection {
  const end = new AbortController();
  let gone: Error | undefined;
  setTimeout(() => {
    gone = died;
    if (tells) end.abort(gone);
  }, after);
  return {
    sandboxId: "itest",
    endpoint: () => {
      throw broken;
    },
    gone: () => gone,
    ...(tells && { ended: end.signal }),
  };
}

async function explained(connection: SandboxConnection): Promise<[error: unknown, ms: number]> {
  const started = performance.now();
  using call = new Call(connection);
  return [await call.failure(broken), performance.now() - started];
}

test("a failure is explained as soon as the provider says that the sandbox ended", async () => {
  const [error, ms] = await explained(breaking(50, true));
  expect(error).toBe(died);
  expect(ms).toBeLessThan(400);
});

test("where a provider does not say so, it has a moment to notice", async () => {
  const [error] = await explained(breaking(50, false));
  expect(error).toBe(died);
});

test("what cannot be explained is a connection that failed", async () => {
  const [error] = await explained(breaking(5_000, true));
  expect(error).toMatchObject({ code: "connection_failed", cause: broken });
});

test("an abort ends the waiting", async () => {
  const controller = new AbortController();
  using call = new Call(breaking(5_000, true), { signal: controller.signal });
  setTimeout(() => controller.abort("stop"), 50);
  expect(await call.failure(broken)).toBe("stop");
});

test("a sandbox says when it has ended, and why", async () => {
  await using it = await scriptedSandbox(() => {});
  const { ended } = it.sandbox;
  expect(ended?.aborted).toBe(false);
  it.die(died);
  expect(ended?.aborted).toBe(true);
  expect(ended?.reason).toBe(died);
});
