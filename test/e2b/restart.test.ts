import { once } from "node:events";
import { Sandbox, SandboxNotFoundError } from "e2b";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually, machinesOf } from "../support/processes.ts";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { temporaryDirectory } from "../support/server.ts";
import { type Served, startServed } from "./support/served.ts";

const started: Served[] = [];
afterEach(async () => {
  for (const each of started.splice(0)) await each.kill();
});

async function start(state: string, ...more: string[]): Promise<Served> {
  const served = await startServed(state, ...more);
  started.push(served);
  return served;
}

async function ids({ options }: Served): Promise<string[]> {
  return (await Sandbox.list(options).nextItems()).map(({ sandboxId }) => sandboxId).toSorted();
}

beforeAll(async () => {
  await (await createSandbox()).kill();
});

describe("a server that is killed", () => {
  test("loses what ran, leaves nothing of it, and its successor says so", async () => {
    const state = temporaryDirectory();
    const first = await start(state);
    const sandbox = await Sandbox.create(first.options);
    const killed = await Sandbox.create(first.options);
    await killed.kill();
    const { pid } = first.process;
    expect(machinesOf(pid)).not.toEqual([]);
    const machines = new Set(machinesOf(pid).map((machine) => machine.pid));
    first.process.kill("SIGKILL");
    await eventually("the machines end", 10_000, () =>
      machinesOf(1).every((machine) => !machines.has(machine.pid)),
    );

    const second = await start(state);
    expect(second.options.apiKey).toBe(first.options.apiKey);
    expect(await ids(second)).toEqual([]);
    expect(second.log()).toContain("a sandbox was lost");
    expect(second.log()).toContain(sandbox.sandboxId);
    expect(second.log()).not.toContain(killed.sandboxId);
    const answer = await fetch(`${second.options.apiUrl}/sandboxes/${sandbox.sandboxId}`, {
      headers: { "x-api-key": second.options.apiKey },
    });
    expect(await answer.json()).toEqual({
      code: 404,
      message: expect.stringContaining("it ended with the server that ran it"),
    });
    const events = await fetch(
      `${second.options.apiUrl}/events/sandboxes/${sandbox.sandboxId}?orderAsc=true`,
      { headers: { "x-api-key": second.options.apiKey } },
    );
    expect(((await events.json()) as { type: string }[]).map(({ type }) => type)).toEqual([
      ...["sandbox.lifecycle.created", "sandbox.lifecycle.killed"],
    ]);
    const metrics = await (await fetch(`${second.options.apiUrl}/metrics`)).text();
    expect(metrics).toContain("emberbox_sandboxes_lost_total 1");
  });

  test.skipIf(!provider.capabilities.pause)("keeps what was paused", async () => {
    const state = temporaryDirectory();
    const first = await start(state);
    const sandbox = await Sandbox.create({ ...first.options, metadata: { kept: "yes" } });
    await sandbox.files.write("/tmp/kept", "across servers");
    await sandbox.pause();
    first.process.kill("SIGKILL");
    await once(first.process, "exit");

    const second = await start(state);
    const [listed] = await Sandbox.list(second.options).nextItems();
    expect(listed).toMatchObject({
      sandboxId: sandbox.sandboxId,
      state: "paused",
      metadata: { kept: "yes" },
    });
    const again = await Sandbox.connect(sandbox.sandboxId, second.options);
    expect(await again.files.read("/tmp/kept")).toBe("across servers");
    await again.kill();
    expect(await ids(second)).toEqual([]);
  });
});

describe("a server that is told to end", () => {
  test("kills what runs, and ends well", async () => {
    const { process: server, options } = await start(temporaryDirectory());
    await Sandbox.create(options);
    const machines = new Set(machinesOf(server.pid).map(({ pid }) => pid));
    server.kill("SIGTERM");
    expect(await once(server, "exit")).toEqual([0, null]);
    expect(machinesOf(1).filter(({ pid }) => machines.has(pid))).toEqual([]);
  });

  test.skipIf(!provider.capabilities.pause)("pauses what runs where it is told to", async () => {
    const state = temporaryDirectory();
    const first = await start(state, "--on-shutdown", "pause");
    const sandbox = await Sandbox.create(first.options);
    first.process.kill("SIGTERM");
    expect(await once(first.process, "exit")).toEqual([0, null]);
    const second = await start(state);
    expect((await Sandbox.getInfo(sandbox.sandboxId, second.options)).state).toBe("paused");
    await Sandbox.kill(sandbox.sandboxId, second.options);
  });
});

test("two servers with one state have their own sandboxes", async () => {
  const state = temporaryDirectory();
  const [one, other] = [await start(state), await start(state)];
  const [mine, theirs] = await Promise.all(
    [one, other].map(({ options }) => Sandbox.create(options)),
  );
  expect([await ids(one), await ids(other)]).toEqual([[mine!.sandboxId], [theirs!.sandboxId]]);
  expect(await Sandbox.kill(mine!.sandboxId, other.options)).toBe(false);
  one.process.kill("SIGKILL");
  await once(one.process, "exit");
  expect((await theirs!.commands.run("echo alive")).stdout).toBe("alive\n");
  expect(await ids(other)).toEqual([theirs!.sandboxId]);
});

test.skipIf(!provider.capabilities.pause)(
  "two servers with states of their own have nothing to do with each other's sandboxes",
  async () => {
    const [one, other] = [await start(temporaryDirectory()), await start(temporaryDirectory())];
    const [mine, theirs] = await Promise.all(
      [one, other].map(({ options }) => Sandbox.create(options)),
    );
    const { sandboxId } = mine!;
    await mine!.files.write("mine.txt", "mine");
    await mine!.pause();
    expect([await ids(one), await ids(other)]).toEqual([[sandboxId], [theirs!.sandboxId]]);
    await expect(Sandbox.connect(sandboxId, other.options)).rejects.toThrow(SandboxNotFoundError);
    expect(await Sandbox.kill(sandboxId, other.options)).toBe(false);

    await other.kill();
    const third = await start(temporaryDirectory());
    expect(await ids(third)).toEqual([]);
    expect(third.log()).not.toContain("a sandbox was lost");
    const again = await Sandbox.connect(sandboxId, one.options);
    expect(await again.files.read("mine.txt")).toBe("mine");
    await again.kill();
  },
);
