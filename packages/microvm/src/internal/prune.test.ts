import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HOST_ARCHITECTURE } from "../host/architecture.ts";
import { QEMU } from "../host/programs.ts";
import { findImage } from "../image/index.ts";
import { digestOf, readScripts, recipeFor, recipes } from "../image/recipe.ts";
import { currentKeys } from "../template/store.ts";
import { prune } from "./prune.ts";

let home: string;
let used: string[];
let unused: string[];

const OTHER = HOST_ARCHITECTURE === "x64" ? "arm64" : "x64";

/** Layers of container images, and an image that was made of them. */
const containers = ["images/container-0123456789abcdef", "images/containers"];

/** A home with what this version uses, what it does not, and files of somebody else's. */
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "emberbox-prune-"));
  vi.stubEnv("EMBERBOX_HOME", home);
  vi.stubEnv("PATH", `${join(home, "bin")}:${process.env["PATH"]}`);
  const make = async (directory: string): Promise<void> => {
    await mkdir(join(home, directory), { recursive: true });
    await writeFile(join(home, directory, "rootfs"), "x".repeat(10_000));
  };
  await make("bin");
  const qemu = join(home, "bin", QEMU);
  await writeFile(qemu, "");
  await chmod(qemu, 0o755);
  const current = `images/debian-13-${digestOf(recipes.default, await readScripts(recipes.default))}`;
  await make(current);
  const image = (await findImage(join(home, "images"), "default"))!;
  const shape = {
    architecture: HOST_ARCHITECTURE,
    accelerator: "tcg",
    memoryMB: 1024,
    cpuCount: 1,
  } as const;
  const templates = join(home, "templates");
  const [key] = await currentKeys([{ templates, image, shape, qemu }]);
  const template = `templates/${key}`;
  const foreign = recipeFor("default", OTHER);
  const foreignImage = `images/${foreign.name}-${digestOf(foreign, await readScripts(foreign))}`;
  await make(foreignImage);
  used = [current, template, foreignImage];
  unused = [
    ...containers,
    "images/.building-a1b2c3",
    "images/debian-12-0123456789abcdef",
    "images/debian-13-r-0123456789abcdef",
    "images/debian-13-arm64-0123456789abcdef",
    "templates/tcg-1cpu-1024mb-0123456789abcdef",
    `${template}.building`,
    "templates/kvm-2cpu-512mb-0123456789abcdef",
  ];
  for (const each of [...used, ...unused, "images/holiday", "templates/letters"]) await make(each);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

const there = async (): Promise<string[]> => {
  const entries = ["images", "templates", "state"].map(async (directory) =>
    (await readdir(join(home, directory)).catch(() => []))
      .filter((name) => !name.endsWith(".lock"))
      .map((name) => `${directory}/${name}`),
  );
  return (await Promise.all(entries)).flat().toSorted();
};
const others = ["images/holiday", "templates/letters"];

test("what this version does not use is removed, and nothing else", async () => {
  const pruned = await prune();
  expect(pruned.map(({ path }) => path).toSorted()).toEqual(
    unused.map((name) => join(home, name)).toSorted(),
  );
  for (const { bytes } of pruned) expect(bytes).toBeGreaterThanOrEqual(10_000);
  expect(await there()).toEqual([...used, ...others].toSorted());
  expect(await prune()).toEqual([]);
});

test("what builds leave is removed by itself, with what they fetched", async () => {
  const pruned = await prune({ builds: true });
  expect(pruned.map(({ path }) => path)).toEqual(containers.map((name) => join(home, name)));
  const rest = unused.filter((name) => !containers.includes(name));
  expect(await there()).toEqual([...used, ...rest, ...others].toSorted());
});

test("a dry run removes nothing", async () => {
  expect(await prune({ dryRun: true })).toHaveLength(unused.length);
  expect(await there()).toEqual([...used, ...unused, ...others].toSorted());
});

test("all means everything that was made here; what is somebody else's stays", async () => {
  for (const kind of ["paused", "snapshots"])
    await mkdir(join(home, "state", kind, "one"), { recursive: true });
  for (const name of ["server", "cold-boot-a1B2c3"]) await mkdir(join(home, name));
  await writeFile(join(home, "accelerator.json"), "{}");
  const planned = await prune({ all: true, dryRun: true });
  await prune({ all: true });
  expect(planned.length).toBeGreaterThan(unused.length + used.length);
  expect(await there()).toEqual(others);
  expect((await readdir(home)).toSorted()).toEqual(["bin", "images", "templates"]);
});

test("a home that holds nothing else goes too", async () => {
  for (const name of [...others, "bin"]) await rm(join(home, name), { recursive: true });
  await prune({ all: true });
  await expect(readdir(home)).rejects.toThrow("ENOENT");
  await mkdir(home);
});

test("all is refused while a program uses any of it, which is named", async () => {
  const user = spawn("sleep", ["600"], {
    stdio: ["ignore", "ignore", "ignore", openSync(join(home, used[0]!, "rootfs"), "r")],
  });
  try {
    await once(user, "spawn");
    await expect(prune({ all: true })).rejects.toThrow(
      `it is in use by sleep (process ${user.pid})\n`,
    );
    expect(await there()).toEqual([...used, ...unused, ...others].toSorted());
    expect(await prune()).toHaveLength(unused.length);
  } finally {
    user.kill();
    await once(user, "exit");
  }
  await prune({ all: true });
  expect(await there()).toEqual(others);
});
