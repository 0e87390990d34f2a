import { expect, test } from "vitest";
import { pretendedSandboxes } from "../testing/sandboxes.ts";
import { ask, create, startServer, temporaryDirectory } from "../testing/server.ts";
import { type LifecycleEvent, teamIdOf } from "./event.ts";

const NOTICED = { timeout: 20_000 };

const typesOf = (events: readonly LifecycleEvent[]): string[] =>
  events.map(({ type }) => type.replace("sandbox.lifecycle.", ""));

test("a sandbox's life is told, with what it had", async () => {
  const server = await startServer({ provider: pretendedSandboxes() });
  const id = await create(server, { metadata: { who: "me" } });
  await ask(server, `POST /sandboxes/${id}/timeout`, { timeout: 600 });
  await ask(server, `PUT /sandboxes/${id}/network`, {});
  await ask(server, `POST /sandboxes/${id}/snapshots`, {});
  await ask(server, `POST /sandboxes/${id}/pause`, {});
  expect((await ask(server, `POST /sandboxes/${id}/pause`, {})).status).toBe(409);
  await ask(server, `POST /v2/sandboxes/${id}/connect`, {});
  await ask(server, `DELETE /sandboxes/${id}`);
  const { json } = await ask(server, `GET /events/sandboxes/${id}?orderAsc=true`);
  const events = json as LifecycleEvent[];
  expect(typesOf(events)).toEqual([
    ...["created", "updated", "updated", "checkpointed", "paused", "resumed", "killed"],
  ]);
  for (const event of events)
    expect(event).toMatchObject({
      ...{ version: "v2", sandboxId: id, sandboxTemplateId: "base", eventCategory: "lifecycle" },
      sandboxTeamId: teamIdOf("default"),
      eventData: { sandbox_metadata: { who: "me" } },
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  const [created, updated, , , paused, resumed, killed] = events;
  expect(Date.parse(updated!.eventData.set_timeout!)).toBeGreaterThan(Date.now() + 590_000);
  expect(paused!.eventData.execution).toEqual({
    started_at: expect.any(String),
    vcpu_count: 1,
    memory_mb: 512,
    execution_time: expect.any(Number),
  });
  expect(paused!.sandboxExecutionId).toBe(created!.sandboxExecutionId);
  expect(resumed!.sandboxExecutionId).not.toBe(paused!.sandboxExecutionId);
  expect(killed!.sandboxExecutionId).toBe(resumed!.sandboxExecutionId);
  expect(killed!.eventData.execution).toBeDefined();
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
});

test("what ends or is paused by itself is told too, once", async () => {
  const provider = pretendedSandboxes();
  const server = await startServer({ provider });
  const [ends, pauses] = [await create(server), await create(server)];
  provider.end(ends);
  provider.pauseByItself(pauses);
  await expect
    .poll(async () => typesOf((await ask(server, "GET /events/sandboxes")).json), NOTICED)
    .toEqual(expect.arrayContaining(["killed", "paused"]));
  const { json } = await ask(server, "GET /events/sandboxes?orderAsc=true");
  expect(typesOf(json)).toEqual(["created", "created", "killed", "paused"]);
});

test("events outlive the server, which tells of what ended with it", async () => {
  const [stateDirectory, provider] = [temporaryDirectory(), pretendedSandboxes()];
  const first = await startServer({ provider, stateDirectory, onShutdown: "pause" });
  const [paused, lost] = [await create(first), await create(first)];
  await first.close();
  provider.end(lost);
  const second = await startServer({ provider, stateDirectory });
  const of = async (id: string) =>
    typesOf((await ask(second, `GET /events/sandboxes/${id}?orderAsc=true`)).json);
  expect(await of(lost)).toEqual(["created", "paused", "killed"]);
  expect(await of(paused)).toEqual(["created", "paused"]);
  const [last] = (await ask(second, `GET /events/sandboxes/${lost}`)).json as LifecycleEvent[];
  // It did not run when it ended.
  expect(last!.eventData.execution).toBeUndefined();
});

test("they are listed in pages, by type, and for their tenant only", async () => {
  const provider = pretendedSandboxes();
  const keys = { red: "red-red-red", blue: "blue-blue-blue" };
  const server = await startServer({ provider, apiKeys: keys, operatorKey: "operator-key" });
  const reds = await create(server, {}, keys.red);
  const blues = await create(server, {}, keys.blue);
  await ask(server, `DELETE /sandboxes/${blues}`, undefined, keys.blue);
  const list = async (query: string, key: string) =>
    (
      (await ask(server, `GET /events/sandboxes${query}`, undefined, key)).json as LifecycleEvent[]
    ).map(({ sandboxId, type }) => `${sandboxId === reds ? "red" : "blue"} ${type.slice(18)}`);
  expect(await list("", keys.red)).toEqual(["red created"]);
  expect(await list("", keys.blue)).toEqual(["blue killed", "blue created"]);
  expect(await list("?limit=1&offset=1", keys.blue)).toEqual(["blue created"]);
  expect(await list("?types=sandbox.lifecycle.killed", keys.blue)).toEqual(["blue killed"]);
  expect(await list("?orderAsc=true", "operator-key")).toEqual([
    ...["red created", "blue created", "blue killed"],
  ]);
  const strangers = await ask(server, `GET /events/sandboxes/${reds}`, undefined, keys.blue);
  const nobodys = await ask(
    server,
    `GET /events/sandboxes/${"i".repeat(21)}`,
    undefined,
    keys.blue,
  );
  expect([strangers.status, nobodys.status]).toEqual([404, 404]);
  expect(strangers.json.message.replace(reds, "")).toBe(
    nobodys.json.message.replace("i".repeat(21), ""),
  );
  for (const query of ["limit=0", "limit=101", "offset=-1", "orderAsc=yes", "types=x"])
    expect((await ask(server, `GET /events/sandboxes?${query}`)).status, query).toBe(400);
});

test("a tenant is a team, whose figures follow from the events", async () => {
  const provider = pretendedSandboxes();
  const keys = { red: "red-red-red", blue: "blue-blue-blue" };
  const server = await startServer({ provider, apiKeys: keys });
  const { json: teams } = await ask(server, "GET /teams", undefined, keys.red);
  expect(teams).toEqual([
    { teamID: teamIdOf("red"), name: "red", isDefault: true, apiKey: keys.red },
  ]);
  const [one, other] = [await create(server, {}, keys.red), await create(server, {}, keys.red)];
  await create(server, {}, keys.blue);
  await ask(server, `POST /sandboxes/${one}/pause`, {}, keys.red);
  await ask(server, `DELETE /sandboxes/${one}`, undefined, keys.red);
  const of = (path: string, key: string) =>
    ask(server, `GET /teams/${teamIdOf("red")}/${path}`, undefined, key);
  const { json: metrics } = await of("metrics", keys.red);
  expect(
    (metrics as { concurrentSandboxes: number }[]).map((each) => each.concurrentSandboxes),
  ).toEqual([1, 2, 1, 1]);
  expect(metrics.at(-1).sandboxStartRate).toBeCloseTo(2 / 60);
  const max = await of("metrics/max?metric=concurrent_sandboxes", keys.red);
  expect(max.json).toMatchObject({ value: 2, timestampUnix: expect.any(Number) });
  expect((await of("metrics", keys.blue)).status).toBe(403);
  expect((await of("metrics/max?metric=x", keys.red)).status).toBe(400);
  await ask(server, `DELETE /sandboxes/${other}`, undefined, keys.red);
});
