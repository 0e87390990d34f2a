import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FORMAT } from "../saved/manifest.ts";
import { openSnapshots } from "../saved/snapshots.ts";
import { templatesIn } from "./places.ts";
import { keyFor, openTags } from "./tags.ts";

const at = "2026-01-02T03:04:05.000Z";
const file = (name: string) => `/home/${name}`;
const manifest = JSON.stringify({
  ...{ format: FORMAT, createdAt: at, startedAt: at, sandboxId: "isome" },
  options: {
    ...{ template: "default", memoryMB: 1024, cpuCount: 1, diskMB: 4096, timeoutMs: 1000 },
    ...{ envs: {}, metadata: {}, access: { network: true, ingress: {} } },
  },
  ...{ accelerator: "tcg", qemuStamp: "stamp", qemu: "QEMU", templateKey: "key" },
  ...{ imageDigest: "digest", kernelArguments: "quiet", readOnlyRam: false },
  base: {
    ...{ ram: file("ram"), disk: file("disk.qcow2"), overlay: file("overlay.qcow2") },
    ...{ initrd: file("initrd"), kernelHead: file("kernel-head") },
    ...{ kernel: file("kernel"), rootfs: file("rootfs") },
  },
  disk: [
    {
      ...{ name: `disk-${"0".repeat(16)}.qcow2`, home: file(`disk-${"0".repeat(16)}.qcow2`) },
      ...{ bytes: 1, sum: 1 },
    },
  ],
});

function setUp() {
  const state = mkdtempSync(join(tmpdir(), "emberbox-tags-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const store = openSnapshots(templatesIn(state));
  const builds = (): string[] => readdirSync(join(templatesIn(state), "snapshots")).toSorted();
  /** What a build has saved, under the name that builds give it. */
  const saved = async (key: string): Promise<string> => {
    const id = store.newId();
    mkdirSync(store.directoryOf(id), { recursive: true });
    const sum = createHash("sha256").update(manifest).digest("hex");
    writeFileSync(join(store.directoryOf(id), "manifest.json"), `${sum}\n${manifest}`);
    await store.name(id, `built-${key.repeat(40)}`);
    return id;
  };
  return { store, builds, saved, tags: openTags(state, store, async () => {}) };
}

test("two tags of one build share it, and it goes away with the last of them", async () => {
  const { tags, store, builds, saved } = setUp();
  const [one, other] = [await saved("1"), await saved("2")];
  expect((await tags.give("mine", ["default", "v1"], one))?.snapshotId).toBe(one);
  await tags.give("mine", ["default"], other);
  await tags.give("another", ["v1"], one);
  const given = await tags.of("mine");
  expect(given.map(({ tag, buildId }) => [tag, buildId])).toEqual([
    ["default", other],
    ["v1", one],
  ]);
  expect(Date.now() - given[0]!.createdAt.getTime()).toBeLessThan(600_000);
  expect((await store.find(keyFor("mine:v1")))?.snapshotId).toBe(one);
  expect((await store.find(keyFor("mine:default")))?.snapshotId).toBe(other);

  expect(await tags.take("mine", ["v1", "no-such"])).toBe(true);
  expect(await tags.take("mine", ["v1"])).toBe(false);
  // The other template has it still.
  expect(builds()).toEqual([one, other].toSorted());
  expect(await tags.take("another")).toBe(true);
  expect(builds()).toEqual([other]);
  expect(await tags.take("mine")).toBe(true);
  expect(builds()).toEqual([]);
  expect(await tags.of("mine")).toEqual([]);
});

test("what a tag is taken from by a new build is removed; what was removed gets no tag", async () => {
  const { tags, builds, saved } = setUp();
  const one = await saved("1");
  await tags.give("mine", ["default"], one);
  const waiting = await saved("2");
  await tags.give("mine", ["default"], await saved("3"));
  // It has no tag yet, as a build that is about to get its own.
  expect(builds()).toContain(waiting);
  expect(builds()).not.toContain(one);
  expect(await tags.give("mine", ["v1"], `built-${"1".repeat(40)}`)).toBeUndefined();
  expect((await tags.give("mine", ["v1"], `built-${"2".repeat(40)}`))?.snapshotId).toBe(waiting);
});

test("a name is not another one with a tag", async () => {
  const { tags, saved } = setUp();
  await tags.give("mine", ["v1"], await saved("1"));
  await tags.give("mine.v1", ["default"], await saved("2"));
  expect((await tags.of("mine")).map(({ tag }) => tag)).toEqual(["v1"]);
  expect((await tags.of("mine.v1")).map(({ tag }) => tag)).toEqual(["default"]);
  expect(await tags.of("min")).toEqual([]);
});
