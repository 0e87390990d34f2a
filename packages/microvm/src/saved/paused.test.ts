import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withLock } from "../host/lock.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import { openPaused, type PausedStore } from "./paused.ts";
import { manifest } from "./testing/manifest.ts";

const DAY_MS = 24 * 3_600_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

async function storeOf(
  ...paused: (Pick<Manifest, "sandboxId" | "createdAt"> & { ttl?: number | false })[]
): Promise<PausedStore> {
  const root = mkdtempSync(join(tmpdir(), "emberbox-paused-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const store = openPaused(root);
  for (const { sandboxId, createdAt, ttl } of paused) {
    const directory = store.directoryOf(sandboxId);
    mkdirSync(directory, { recursive: true });
    const lifecycle = ttl === undefined ? undefined : { pausedTtlMs: ttl };
    const options = { ...manifest.options, lifecycle };
    await writeManifest(directory, { ...manifest, sandboxId, createdAt, options });
  }
  return store;
}

test("a paused sandbox is kept for a week, or as long as it asks for", async () => {
  const store = await storeOf(
    { sandboxId: "inew", createdAt: daysAgo(6.9) },
    { sandboxId: "iold", createdAt: daysAgo(7.1) },
    { sandboxId: "ishort", createdAt: daysAgo(0.1), ttl: 3_600_000 },
    { sandboxId: "ilong", createdAt: daysAgo(20), ttl: 30 * DAY_MS },
    { sandboxId: "iever", createdAt: daysAgo(1000), ttl: false },
  );
  expect((await store.expired()).toSorted()).toEqual(["iold", "ishort"]);
  expect(await store.expire("iold")).toBe(true);
  expect(existsSync(store.directoryOf("iold"))).toBe(false);
  expect(await store.expire("iold")).toBe(false);
  expect(existsSync(store.directoryOf("iold"))).toBe(false);
  for (const kept of ["inew", "ilong", "iever"]) {
    expect(await store.expire(kept)).toBe(false);
    expect(await store.find(kept)).toMatchObject({ sandboxId: kept });
  }
});

test("one that somebody is resuming is left alone, and is not waited for", async () => {
  const store = await storeOf({ sandboxId: "iold", createdAt: daysAgo(8) });
  await withLock(join(store.directoryOf("iold"), "lock"), async () => {
    expect(await store.expire("iold")).toBe(false);
    expect(await store.find("iold")).toBeDefined();
  });
  expect(await store.expire("iold")).toBe(true);
});
