import { Sandbox } from "e2b";
import { fetch } from "undici";
import { beforeAll, expect, test } from "vitest";
import type { EmberboxServer } from "@emberbox/server";
import { type SdkOptions, sdkOptions, startServer, temporaryDirectory } from "../support/server.ts";

const keys = { red: "e2b_aaaaaaaa", blue: "e2b_bbbbbbbb", operator: "e2b_cccccccc" };
const apiKeys = { red: keys.red, blue: [keys.blue, "e2b_b2b2b2b2"] };
const stateDirectory = temporaryDirectory();

let server: EmberboxServer;
let red: SdkOptions;
let blue: SdkOptions;
let operator: SdkOptions;
let reds: Sandbox;
beforeAll(async () => {
  server = await startServer({ apiKeys, operatorKey: keys.operator, stateDirectory });
  const options = sdkOptions(server);
  red = { ...options, apiKey: keys.red };
  blue = { ...options, apiKey: keys.blue };
  operator = { ...options, apiKey: keys.operator };
  reds = await Sandbox.create({ ...red, timeoutMs: 1_800_000, metadata: { whose: "red" } });
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: string[];
}

async function ask(key: string, line: string, body?: unknown): Promise<Answer> {
  const [method, path] = line.split(" ") as [string, string];
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "x-api-key": key },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    text: await answer.text(),
    headers: [...answer.headers.keys()].toSorted(),
  };
}

const routes: readonly [line: string, body?: unknown][] = [
  ["GET /sandboxes/@"],
  ["GET /sandboxes/@/metrics"],
  ["GET /sandboxes/@/logs"],
  ["GET /v2/sandboxes/@/logs"],
  ["GET /events/sandboxes/@"],
  ["POST /v2/sandboxes/@/connect", { timeout: 60 }],
  ["POST /sandboxes/@/connect", { timeout: 60 }],
  ["POST /sandboxes/@/resume", { timeout: 60 }],
  ["POST /sandboxes/@/timeout", { timeout: 1 }],
  ["POST /sandboxes/@/refreshes", { duration: 3600 }],
  ["POST /sandboxes/@/pause", {}],
  ["PUT /sandboxes/@/network", { denyOut: ["0.0.0.0/0"] }],
  ["POST /sandboxes/@/fork", { count: 1 }],
  ["POST /sandboxes/@/snapshots", { name: "mine" }],
  ["DELETE /sandboxes/@"],
  ["DELETE /templates/@"],
  ["GET /templates/aliases/@"],
  ["POST /v2/sandboxes", { templateID: "@" }],
  ["GET /sandboxes/metrics?sandbox_ids=@"],
  ["GET /snapshots?sandboxID=@"],
  ["GET /snapshots?name=@"],
  ["GET /v2/sandboxes?metadata=whose%3Dred"],
  ["GET /sandboxes?metadata=whose%3Dred"],
];

/** What is answered about something of red's, and about what never was. */
async function compare(key: string, there: string): Promise<void> {
  const nowhere = `${there[0]}${"zz".padEnd(there.length - 1, "q")}`;
  for (const [line, body] of routes) {
    const about = async (id: string): Promise<Answer> => {
      const sent =
        body === undefined ? undefined : JSON.parse(JSON.stringify(body).replace("@", id));
      const answer = await ask(key, line.replace("@", id), sent);
      return { ...answer, text: answer.text.replaceAll(id, "@") };
    };
    expect(await about(there), line).toEqual(await about(nowhere));
    expect((await about(there)).status, line).toBe(/\?/.test(line) ? 200 : 404);
  }
}

test("a stranger's sandbox is answered about as one that never was, whatever is asked", async () => {
  await compare(keys.blue, reds.sandboxId);
  expect(await reds.isRunning()).toBe(true);
  expect((await Sandbox.list(blue).nextItems()).length).toBe(0);
  expect((await Sandbox.list(red).nextItems()).map(({ sandboxId }) => sandboxId)).toEqual([
    reds.sandboxId,
  ]);
});

test("the totals of a listing are one's own, and so is its first page", async () => {
  const listed = await fetch(`${server.url}/v2/sandboxes?limit=1`, {
    headers: { "x-api-key": keys.blue },
  });
  expect(await listed.json()).toEqual([]);
  expect(listed.headers.get("x-total-running")).toBe("0");
  expect(listed.headers.get("x-next-token")).toBeNull();
});

test("two tenants have snapshots of the same name, forks and pauses stay the tenant's, also after a restart", async () => {
  const blues = await Sandbox.create({ ...blue, timeoutMs: 1_800_000 });
  await reds.files.write("/home/user/whose", "red");
  await blues.files.write("/home/user/whose", "blue");
  const [ofRed, ofBlue] = [
    await reds.createSnapshot({ name: "work" }),
    await blues.createSnapshot({ name: "work" }),
  ];
  expect([ofRed.names, ofBlue.names]).toEqual([["work"], ["work"]]);
  await compare(keys.blue, ofRed.snapshotId);
  const [forked] = await Sandbox.fork(reds.sandboxId, red);
  const forkId = (forked as Sandbox).sandboxId;
  await compare(keys.blue, forkId);
  await Sandbox.pause(forkId, red);
  await compare(keys.blue, forkId);
  await blues.kill();

  // Whoever comes next finds everything where it was.
  await server.close();
  server = await startServer({ apiKeys, operatorKey: keys.operator, stateDirectory });
  for (const each of [red, blue, operator])
    Object.assign(each, sdkOptions(server), { apiKey: each.apiKey });
  for (const [options, whose, snapshot] of [
    [red, "red", ofRed],
    [blue, "blue", ofBlue],
  ] as const) {
    const listed = await Sandbox.listSnapshots(options).nextItems();
    expect(listed.map(({ snapshotId }) => snapshotId)).toEqual([snapshot.snapshotId]);
    const made = await Sandbox.create("work", options);
    expect(await made.files.read("/home/user/whose")).toBe(whose);
    await made.kill();
  }
  await compare(keys.blue, forkId);
  await compare(keys.blue, ofRed.snapshotId);
  const resumed = await Sandbox.connect(forkId, red);
  expect(await resumed.files.read("/home/user/whose")).toBe("red");

  // The operator sees all, and is told whose it is.
  const all = JSON.parse((await ask(keys.operator, "GET /v2/sandboxes")).text) as object[];
  expect(all).toEqual([expect.objectContaining({ sandboxID: forkId, tenant: "red" })]);
  const snapshots = JSON.parse((await ask(keys.operator, "GET /snapshots")).text) as object[];
  for (const [tenant, { snapshotId }] of Object.entries({ red: ofRed, blue: ofBlue }))
    expect(snapshots).toContainEqual(
      expect.objectContaining({ snapshotID: snapshotId, names: ["work"], tenant }),
    );
  expect((await ask(keys.red, "GET /v2/sandboxes")).text).not.toContain("tenant");

  expect(await Sandbox.deleteSnapshot("work", blue)).toBe(true);
  expect(await Sandbox.deleteSnapshot("work", blue)).toBe(false);
  expect(await Sandbox.deleteSnapshot(ofRed.snapshotId, blue)).toBe(false);
  expect(await Sandbox.deleteSnapshot("work", red)).toBe(true);
  await resumed.kill();
});

test("figures of all tenants are the operator's", async () => {
  const statuses = await Promise.all(
    [keys.red, keys.blue, "e2b_wrong", keys.operator].map((key) => ask(key, "GET /metrics")),
  );
  expect(statuses.map(({ status }) => status)).toEqual([403, 403, 401, 200]);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
});

test.each([
  "a/../../../../some/file",
  "../x",
  "/etc/x",
  "a/b",
  "a:b",
  "..",
  ".x",
  "a\0b",
  "base",
  "r",
])("%j is no name of a snapshot", async (name) => {
  const answer = await ask(keys.red, `POST /sandboxes/${"i".padEnd(21, "q")}/snapshots`, { name });
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("name") });
});

test("quotas hold when much is asked for at once, and refusals name the limit and the use", async () => {
  const quotas = { red: { sandboxes: 2, snapshots: 1 }, "*": { memoryMB: 1024, diskMB: 1 } };
  const limited = await startServer({ apiKeys, quotas });
  const create = (key: string) =>
    fetch(`${limited.url}/v2/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": key },
      body: JSON.stringify({ templateID: "base", timeout: 600 }),
    });
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(keys.blue)));
  const statuses = answers.map(({ status }) => status).toSorted();
  expect(statuses).toEqual([201, ...Array.from({ length: 7 }, () => 429)]);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(await refused.json()).toEqual({
    code: 429,
    message:
      "the quota of memory is reached: 1024 of 1024 MiB are in use, and 1024 more would be needed",
  });
  // What blue has is nothing to red, whose memory is limited, too.
  const options = { ...sdkOptions(limited), apiKey: keys.red, retries: 0 };
  const sandbox = await Sandbox.create(options);
  await expect(Sandbox.fork(sandbox.sandboxId, options)).rejects.toThrow("quota of memory");
  // It turns out to be too large, and does not stay.
  await sandbox.files.write("/home/user/large", "x".repeat(4_000_000));
  await expect(sandbox.createSnapshot()).rejects.toThrow(/quota of disk is reached: \d+ of 1 MiB/);
  expect(await Sandbox.listSnapshots(options).nextItems()).toEqual([]);
  await limited.close();
});
