import { once } from "node:events";
import { utimesSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Sandbox } from "e2b";
import { afterEach, expect, test } from "vitest";
import { eventually, hostProcesses, machinesOf, orphanedJails } from "../support/processes.ts";
import { Random } from "../support/random.ts";
import { temporaryDirectory } from "../support/server.ts";
import { deadCgroups, leftovers, pausedOnDisk, rowsOf, scratch } from "./support/kills.ts";
import { Load } from "./support/load.ts";
import { type Served, startServed } from "./support/served.ts";

const ROUNDS = Number(process.env["EMBERBOX_KILL_ROUNDS"] ?? 15);
const SEED = Number(process.env["EMBERBOX_KILL_SEED"] ?? 20_261_121);
const CLIENTS = 4;
const OPERATIONS = ["create", "delete", "kill", "pause", "resume", "snapshot"];

let server: Served | undefined;
afterEach(() => server?.kill());

async function pages<Item>(paginator: {
  hasNext: boolean;
  nextItems(): Promise<Item[]>;
}): Promise<Item[]> {
  const items: Item[] = [];
  while (paginator.hasNext) items.push(...(await paginator.nextItems()));
  return items;
}

/** Holds the server that has just started against what its clients know, and the disk against both. */
async function check(served: Served, state: string, load: Load): Promise<void> {
  const listed = await pages(Sandbox.list(served.options));
  const states = new Map(listed.map((info) => [info.sandboxId, info.state as string]));
  const snapshots = await pages(Sandbox.listSnapshots(served.options));
  const names = new Set(snapshots.flatMap((snapshot) => snapshot.names ?? []));
  expect(load.settle(states, names)).toEqual([]);
  // No row without its files, and no files without their row.
  expect(pausedOnDisk().toSorted()).toEqual([...states.keys()].toSorted());
  expect([...rowsOf(state)].toSorted()).toEqual([...states].toSorted());
  await eventually("what was half made is cleared away", 10_000, () => leftovers().length === 0);
}

/** How many times half a second it takes to create a sandbox and kill it; from 1 to 5. */
async function slowness({ options }: Served): Promise<number> {
  const started = performance.now();
  await (await Sandbox.create(options)).kill();
  return Math.min(5, Math.max(1, (performance.now() - started) / 500));
}

const begunAll = (load: Load): boolean => load.begun.size === OPERATIONS.length;

const noJailIsLeft = (): Promise<void> =>
  eventually("jails that were not ready yet end", 10_000, () => orphanedJails().length === 0);

test(
  `a server that is killed ${ROUNDS} times under load loses only what ran (seed ${SEED})`,
  { timeout: 60_000 + ROUNDS * 75_000 },
  async () => {
    const state = temporaryDirectory();
    const random = new Random(SEED);
    const load = new Load(random);
    expect(pausedOnDisk()).toEqual([]);
    let longest = 3000;
    for (let round = 0; round < ROUNDS || (!begunAll(load) && round < 2 * ROUNDS); round++) {
      server = await startServed(state);
      await check(server, state, load);
      // On a slow machine as much is begun in a round as on a fast one.
      if (round === 0) longest *= await slowness(server);
      // Where too little time was given for a pause to end, nothing could be resumed.
      if (round >= ROUNDS) longest *= 1.5;
      const stop = new AbortController();
      const working = load.run(CLIENTS, server.options, stop.signal);
      const shortest = round < ROUNDS ? 100 : longest;
      await Promise.race([working, delay(random.between(shortest, longest))]);
      const machines = new Set(machinesOf(server.process.pid).map(({ pid }) => pid));
      stop.abort();
      server.process.kill("SIGKILL");
      await Promise.all([once(server.process, "exit"), working]);
      await eventually("its machines end", 10_000, () =>
        hostProcesses().every(({ pid }) => !machines.has(pid)),
      );
    }
    for (const path of scratch()) utimesSync(path, 0, 0);
    server = await startServed(state);
    await check(server, state, load);
    console.log(`begun meanwhile: ${JSON.stringify(Object.fromEntries(load.begun))}`);
    expect([...load.begun.keys()].toSorted()).toEqual(OPERATIONS);

    const { options } = server;
    for (const id of load.sandboxes.keys()) {
      const sandbox = await Sandbox.connect(id, options);
      expect(await sandbox.files.read("/home/user/mark")).toBe(id);
      expect(await sandbox.kill()).toBe(true);
    }
    for (const { snapshotId } of await pages(Sandbox.listSnapshots(options)))
      expect(await Sandbox.deleteSnapshot(snapshotId, options)).toBe(true);
    await (await Sandbox.create(options)).kill();
    await noJailIsLeft();
    expect([pausedOnDisk(), [...rowsOf(state)], leftovers(), scratch(), deadCgroups()]).toEqual(
      Array.from({ length: 5 }, () => []),
    );
    server.process.kill("SIGTERM");
    expect(await once(server.process, "exit")).toEqual([0, null]);
  },
);
