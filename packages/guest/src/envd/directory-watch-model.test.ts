import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { DirectoryWatch, type Change } from "./directory-watch.ts";

const seeds = Array.from({ length: 24 }, (_, index) => index + 1);
const steps = 120;

it.each(seeds)(
  "whatever happens, who follows the changes knows in the end what is there: seed %i",
  async (seed) => {
    const [root, outside] = [directory(), directory()];
    const known = new Map<string, string>();
    const watch = await DirectoryWatch.open(
      { path: root, recursive: true, includeEntry: false },
      { change: (change) => (follow(root, known, change), true), end: () => known.clear() },
    );
    try {
      const random = randomNumbers(seed);
      for (let step = 0; step < steps; step++) {
        attempt(work(random, root, outside, `step ${step}`));
        if (random() < 0.2) await turn();
      }
      mkdirSync(join(root, "last"));
      await expect.poll(() => known.has("last"), { interval: 5, timeout: 20_000 }).toBe(true);
      expect([...known].toSorted()).toEqual(scan(root).toSorted());
    } finally {
      watch.close();
      for (const each of [root, outside]) rmSync(each, { recursive: true });
    }
  },
);

function directory(): string {
  return mkdtempSync(join(tmpdir(), "watch-model-"));
}

/** One change of a few paths, which meet often. */
function work(random: () => number, root: string, outside: string, text: string): () => void {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const name = (): string =>
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(["a", "b", "c"])).join("/");
  const here = join(root, name());
  const there = join(pick([root, root, outside]), name());
  return pick([
    () => writeFileSync(here, text),
    () => mkdirSync(here, { recursive: true }),
    () => renameSync(here, there),
    () => renameSync(there, here),
    () => replace(here, text),
    ...(random() < 0.3 ? [() => rmSync(here, { recursive: true })] : []),
  ]);
}

/** As editors save. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // There was nothing, or something else, at one of the paths.
  }
}

/** What a client does: content is read when a change is told. */
function follow(root: string, known: Map<string, string>, { name, type }: Change): void {
  if (type === "EVENT_TYPE_REMOVE" || type === "EVENT_TYPE_RENAME") {
    for (const path of known.keys())
      if (path === name || path.startsWith(`${name}/`)) known.delete(path);
    return;
  }
  const content = contentOf(join(root, name));
  if (content !== undefined) known.set(name, content);
}

function scan(root: string): [string, string][] {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" });
  return names.map((name) => [name, contentOf(join(root, name))!]);
}

function contentOf(path: string): string | undefined {
  try {
    return lstatSync(path).isDirectory() ? "a directory" : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Numbers that are the same on every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
