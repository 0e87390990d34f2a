// A provider that can do no more than it must: every refusal is run.
import type { CreateOptions, SandboxProvider } from "@emberbox/core/provider";
import { microvm } from "@emberbox/microvm";
import { afterAll, describe, expect, test } from "vitest";
import { createHarness } from "../packages/conformance/src/harness.ts";
import { describeLifecycle } from "../packages/conformance/src/suites/lifecycle.ts";
import { describeNetwork } from "../packages/conformance/src/suites/network.ts";
import { describeState } from "../packages/conformance/src/suites/state.ts";
import { describeUnclaimed } from "../packages/conformance/src/suites/unclaimed.ts";

function poor(): SandboxProvider {
  const { create, connect, list, getInfo, kill, [Symbol.asyncDispose]: dispose } = microvm();
  return {
    name: "poor",
    capabilities: Object.freeze({
      setTimeout: false,
      pause: false,
      snapshots: false,
      fork: false,
      network: false,
      updateNetwork: false,
    }),
    create: (options: CreateOptions) => create(options),
    connect,
    list,
    getInfo,
    kill,
    [Symbol.asyncDispose]: dispose,
  };
}

const boasting = (): SandboxProvider => ({
  ...poor(),
  capabilities: { ...poor().capabilities, fork: true, setTimeout: true },
});

describe("poor: a sandbox", () => {
  const harness = createHarness(poor, { describe, test, expect, afterAll });
  describeLifecycle(harness);
  describeState(harness);
  describeNetwork(harness);
  describeUnclaimed(harness);
});

test("a claim that is not kept fails its behaviour", async () => {
  const failed: string[] = [];
  const run = async (name: string, body: () => Promise<void>): Promise<void> => {
    await body().catch((error: unknown) => failed.push(`${name}: ${error}`));
  };
  const bodies: Promise<void>[] = [];
  const ends: (() => Promise<void>)[] = [];
  const register = Object.assign(
    (name: string, body: () => Promise<void>) => void bodies.push(run(name, body)),
    { skip: () => {} },
  );
  const harness = createHarness(boasting, {
    describe: (_name, body) => body(),
    test: register,
    expect,
    afterAll: (body) => void ends.push(body),
  });
  const { behaviour } = harness;
  const only = new Set(["fork.copies", "sandbox.set-timeout"]);
  const some = {
    ...harness,
    behaviour: ((id, body) => only.has(id) && behaviour(id, body)) as typeof behaviour,
  };
  describeState(some);
  describeLifecycle(some);
  await Promise.all(bodies);
  for (const end of ends) await end();
  expect(failed.map((each) => each.split(":")[0]).toSorted()).toEqual([...only].toSorted());
});
