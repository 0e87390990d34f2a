import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openStore, type Row } from "./store.ts";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "emberbox-store-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const row = (sandboxId: string): Omit<Row, "server"> => ({
  sandboxId,
  tenant: "red",
  template: "base",
  state: "paused",
  reason: null,
  network: null,
});

test("a directory that others may write to is refused, and nothing is put there", () => {
  const path = directory();
  chmodSync(path, 0o777);
  expect(() => openStore(path)).toThrow(/not a safe place .* others may write to it/);
  expect(existsSync(join(path, "state.db"))).toBe(false);
});

test("secrets stay the same, and are for their owner only", () => {
  const path = directory();
  const first = openStore(path);
  const { seed, apiKey } = first;
  first.close();
  const second = openStore(path);
  expect([second.seed, second.apiKey]).toEqual([seed, apiKey]);
  second.close();
  expect(apiKey).toMatch(/^e2b_[0-9a-f]{40}$/);
  expect(statSync(join(path, "state.db")).mode & 0o077).toBe(0);
});

test("two servers keep their rows apart, and see whose is whose", () => {
  const path = directory();
  const [one, other] = [openStore(path), openStore(path)];
  one.put(row("ione"));
  other.put(row("itwo"));
  expect(one.all().map(({ sandboxId }) => sandboxId)).toEqual(["ione"]);
  expect(one.get("itwo")?.server).toBe(other.server);
  one.close();
  other.close();
});

test("the rows of a server that was killed go to the next, those of one that runs do not", () => {
  const path = directory();
  const runs = openStore(path);
  runs.put(row("itwo"));
  const program = `
    import { openStore } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
    const row = ${JSON.stringify(row("ione"))};
    openStore(${JSON.stringify(path)}).put(row);
    process.kill(process.pid, "SIGKILL");
  `;
  const flags = ["--conditions=@emberbox/source", "--input-type=module", "--eval", program];
  expect(spawnSync("node", flags).signal).toBe("SIGKILL");
  const next = openStore(path);
  expect(next.all().map(({ sandboxId }) => sandboxId)).toEqual(["ione"]);
  expect(runs.all().map(({ sandboxId }) => sandboxId)).toEqual(["itwo"]);
  next.close();
  runs.close();
});

test("why a sandbox is gone is remembered", () => {
  const store = openStore(directory());
  store.put(row("ione"));
  store.setState("ione", "gone", "it was killed");
  store.setState("ione", "running");
  store.setState("ione", "gone", "it died");
  store.prune();
  expect(store.get("ione")).toMatchObject({ state: "gone", reason: "it was killed" });
  store.close();
});

test("a store of an older version is kept, and what is in it is the default tenant's", () => {
  const path = directory();
  const older = new DatabaseSync(join(path, "state.db"));
  older.exec(`
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE sandboxes (
      sandboxId TEXT PRIMARY KEY,
      server TEXT NOT NULL,
      template TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'gone')),
      reason TEXT,
      network TEXT,
      changedAt INTEGER NOT NULL DEFAULT (unixepoch())
    ) STRICT;
    INSERT INTO facts VALUES ('seed', 'kept');
    INSERT INTO sandboxes (sandboxId, server, template, state) VALUES ('iold', 'x', 'base', 'paused');
  `);
  older.close();
  for (const store of [openStore(path), openStore(path)]) {
    expect(store.seed).toBe("kept");
    expect(store.get("iold")).toMatchObject({ tenant: "default", template: "base" });
    store.close();
  }
});

test("tenants have snapshots of the same name, each its own", () => {
  const store = openStore(directory());
  const { snapshots } = store;
  for (const [tenant, snapshotId] of [
    ["red", "s1"],
    ["blue", "s2"],
    ["red", "s3"],
  ] as const) {
    snapshots.put({ snapshotId, tenant, memoryMB: 1024 });
    snapshots.setName(tenant, "base-image", snapshotId);
  }
  expect(snapshots.named("red", "base-image")).toBe("s3");
  expect(snapshots.named("blue", "base-image")).toBe("s2");
  expect(snapshots.namesOf("red", "s1")).toEqual([]);
  snapshots.remove("s2");
  expect(snapshots.named("blue", "base-image")).toBeUndefined();
  expect(snapshots.namesOf("red", "s3")).toEqual(["base-image"]);
  store.close();
});
