import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { publish } from "./build.ts";
import { runBuilder } from "./builder.ts";
import { ensureImage, findImage } from "./index.ts";
import { type Progress, ProgressReader } from "./progress.ts";
import { digestOf, readScripts, recipeFor, recipes, templateNames } from "./recipe.ts";
import { makeScratch, removeStale } from "./scratch.ts";

async function imagesDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "emberbox-images-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

const recipe = recipes.default;

test("the digest follows the recipe and the scripts", async () => {
  const scripts = await readScripts(recipe);
  const digest = digestOf(recipe, scripts);
  expect(digest).toMatch(/^[0-9a-f]{16}$/);
  expect(digestOf(recipes.r, scripts)).not.toBe(digest);
  expect(digestOf(recipes["debian-12"], scripts)).not.toBe(digest);
  expect(digestOf({ ...recipe }, { ...scripts })).toBe(digest);
  expect(digestOf({ ...recipe, packages: [...recipe.packages, "cowsay"] }, scripts)).not.toBe(
    digest,
  );
  expect(digestOf(recipe, { ...scripts, "init.sh": `${scripts["init.sh"]}#` })).not.toBe(digest);
});

test.each(templateNames)(
  "for Arm, %s is made of the same packages, by the same scripts",
  async (name) => {
    const [x64, arm64] = [recipeFor(name, "x64"), recipeFor(name, "arm64")];
    expect(x64).toBe(recipes[name]);
    expect(arm64).not.toEqual(x64);
    const made = JSON.stringify([arm64, await readScripts(arm64)]);
    expect(made).not.toMatch(/amd64|x86_64|x64/);
    const usual = JSON.stringify([x64, await readScripts(x64)]);
    expect(made.match(/arm64|aarch64/g)!.length).toBeGreaterThan(
      usual.match(/amd64|x86_64|x64/g)!.length,
    );
  },
);

test("an image is found only under its final name", async () => {
  const images = await imagesDirectory();
  await expect(findImage(images, "default")).resolves.toBeUndefined();
  await expect(findImage(join(images, "nowhere"), "default")).resolves.toBeUndefined();
  const digest = digestOf(recipe, await readScripts(recipe));
  const directory = join(images, `${recipe.name}-${digest}`);
  const result = join(images, ".building-abcdef");
  await mkdir(result);
  await writeFile(join(result, "rootfs"), "");
  await expect(findImage(images, "default")).resolves.toBeUndefined();
  await publish(result, directory);
  const image = {
    directory,
    digest,
    kernel: join(directory, "kernel"),
    initrd: join(directory, "initrd"),
    rootfs: join(directory, "rootfs"),
  };
  await expect(findImage(images, "default")).resolves.toEqual(image);
  await expect(findImage(images, "r")).resolves.toBeUndefined();
  await expect(ensureImage({ images, template: "default" })).resolves.toEqual(image);
});

test("what a dead builder left is removed, a finished image is not", async () => {
  const images = await imagesDirectory();
  await mkdir(join(images, "debian-12-0000000000000000"));
  const dead = await makeScratch(images);
  await writeFile(join(dead.result, "rootfs"), "half");
  await writeFile(join(dead.work, "payload", "file"), "half");
  await removeStale(images);
  await expect(readdir(images)).resolves.toEqual(["debian-12-0000000000000000"]);
  expect(existsSync(dead.work)).toBe(false);
});

test("a link that a builder did not make is not followed", async () => {
  const images = await imagesDirectory();
  const precious = await imagesDirectory();
  await writeFile(join(precious, "file"), "");
  await mkdir(join(images, ".building-abcdef"));
  await runBuilder(["ln", "-s", precious, join(images, ".building-abcdef", "scratch")], {
    cwd: "/",
  });
  await expect(readlink(join(images, ".building-abcdef", "scratch"))).resolves.toBe(precious);
  await removeStale(images);
  await expect(readdir(images)).resolves.toEqual([]);
  await expect(readdir(precious)).resolves.toEqual(["file"]);
});

test("a builder's failure ends with its last lines", async () => {
  const failing = runBuilder(["sh", "-c", "seq 100 >&2; echo the reason >&2; exit 3"], {
    cwd: "/",
  });
  await expect(failing).rejects.toMatchObject({
    code: "image_build_failed",
    message: expect.stringMatching(/ended with 3:\n[^]*100\nthe reason$/),
  });
  const full = runBuilder(["sh", "-c", "echo write: No space left on device >&2; exit 1"], {
    cwd: "/",
  });
  await expect(full).rejects.toMatchObject({ code: "host_disk_full" });
  await expect(runBuilder(["emberbox-no-such-program"], { cwd: "/" })).rejects.toMatchObject({
    code: "tool_missing",
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const TWO = 'sleep 60 & echo "pid $!" >&2; echo ready >&2; wait';

test("an abort ends a builder and its children", async () => {
  const controller = new AbortController();
  let pid = 0;
  const onLine = (line: string) => {
    if (line.startsWith("pid ")) pid = Number(line.slice(4));
    if (line === "ready") controller.abort(new Error("enough"));
  };
  await expect(
    runBuilder(["sh", "-c", TWO], { cwd: "/", signal: controller.signal, onLine }),
  ).rejects.toThrow("enough");
  await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
});

test("kill -9 ends a builder and its children too", async () => {
  const module = fileURLToPath(new URL("./builder.ts", import.meta.url));
  const program = `
    import { runBuilder } from ${JSON.stringify(module)};
    await runBuilder(["sh", "-c", ${JSON.stringify(TWO)}], { cwd: "/", onLine: (line) => line.startsWith("pid ") && console.log(line.slice(4)) });`;
  const child = spawn(
    "node",
    ["--conditions=@emberbox/source", "--input-type=module-typescript", "--eval", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const pid = Number(text.toString());
  expect(isRunning(pid)).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
});

test("progress only grows, and follows the packages", () => {
  const seen: Progress[] = [];
  const reader = new ProgressReader((progress) => seen.push(progress));
  reader.step("fetching Node");
  const lines = [
    "I: running apt-get update...",
    "I: installing remaining packages inside the chroot...",
    "0 upgraded, 2 newly installed, 0 to remove",
  ];
  for (const line of [
    ...lines,
    "Unpacking a (1) ...",
    "Unpacking b (1) ...",
    "Setting up a (1) ...",
    "Setting up b (1) ...",
  ])
    reader.line(line);
  reader.step("done");
  const fractions = seen.map((progress) => progress.fraction);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  expect(seen.some((progress) => progress.message === "Setting up b (1)")).toBe(true);
});
