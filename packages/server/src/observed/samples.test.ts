import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { SandboxConnection } from "@emberbox/core/provider";
import { pino } from "pino";
import { Agent } from "undici";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Samples } from "./samples.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

const metrics = {
  ...{ ts: 1, cpu_count: 1, cpu_used_pct: 5, mem_used: 1, mem_total: 2, mem_cache: 0 },
  ...{ disk_used: 1, disk_total: 2 },
};

/** A sandbox whose agent counts how often it is asked. */
async function setUp() {
  const world = { asked: 0, isRunning: true, isGone: false, body: JSON.stringify(metrics) };
  const server = createServer((_request, response) => {
    world.asked++;
    response.end(world.body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const dispatcher = new Agent();
  onTestFinished(async () => {
    await dispatcher.destroy();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = { endpoint: () => ({ origin, dispatcher, headers: {} }) };
  const samples = new Samples(
    {
      reached: () => (world.isGone ? [] : ["iabc"]),
      registry: { isGone: () => world.isGone },
      running: async () =>
        world.isRunning ? (connection as unknown as SandboxConnection) : undefined,
    },
    pino({ enabled: false }),
  );
  samples.start();
  onTestFinished(() => samples.close());
  /** Lets time pass, and answers come. */
  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      vi.advanceTimersByTime(5000);
      await samples.settled();
    }
  };
  return { world, samples, pass };
}

test("a sandbox that nobody uses is asked once a minute, one that is used more often", async () => {
  const { world, samples, pass } = await setUp();
  await pass(300);
  expect(world.asked).toBe(5);
  const end = samples.use("iabc");
  await pass(60);
  expect(world.asked).toBe(9);
  end();
  await pass(60);
  // Once more for the end of its use.
  expect(world.asked).toBeLessThanOrEqual(11);
});

test("one that is paused is not asked, and its history stays until it is gone", async () => {
  const { world, samples, pass } = await setUp();
  await pass(120);
  const before = await samples.all("iabc");
  expect(before.length).toBeGreaterThan(0);
  const { asked } = world;
  world.isRunning = false;
  await pass(300);
  expect(world.asked).toBe(asked);
  expect(await samples.all("iabc")).toEqual(before);
  world.isGone = true;
  await pass(5);
  expect(await samples.all("iabc")).toEqual([]);
});

test("a question is answered for the present, and many at once with one sample", async () => {
  const { world, samples } = await setUp();
  const answers = await Promise.all([1, 2, 3].map(() => samples.latest("iabc")));
  expect(world.asked).toBe(1);
  expect(new Set(answers).size).toBe(1);
  vi.advanceTimersByTime(4000);
  await samples.latest("iabc");
  expect(world.asked).toBe(1);
  vi.advanceTimersByTime(4000);
  expect(await samples.all("iabc")).toHaveLength(2);
});

test("answers that are not metrics, or are endless, are errors", async () => {
  const { world, samples } = await setUp();
  for (const body of ["{}", "x", '{"ts":"now"}', "x".repeat(1024 * 1024)]) {
    world.body = body;
    await expect(samples.latest("iabc")).rejects.toThrow();
  }
});
