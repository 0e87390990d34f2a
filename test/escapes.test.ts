import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attempts, canBeMade, make, openWorld } from "./escapes/index.ts";
import { probeJail, probeWorlds, SHARED_FILES } from "./escapes/probe.ts";

let world: Awaited<ReturnType<typeof openWorld>>;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

test("there are at least 60 attempts, each with an id of its own", () => {
  expect(attempts.length).toBeGreaterThanOrEqual(60);
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(attempts.length);
});

test("docs/security.md names every attempt, and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/security.md"), "utf8");
  const named = [
    ...page.matchAll(
      /`((?:guest|root|files|net|agent|qemu|host|user|server|volume|workspace)\.[a-z0-9-]+)`/g,
    ),
  ];
  expect(new Set(named.map(([, id]) => id))).toEqual(new Set(attempts.map(({ id }) => id)));
  for (const [, file] of page.matchAll(/`(test\/[\w./-]+)`/g))
    expect(existsSync(join(import.meta.dirname, "..", file!)), file).toBe(true);
});

test.each(attempts.filter(canBeMade))("$id: $tries", async (attempt) => {
  const { delivered, seen, isRefused } = await make(attempt, world);
  expect(delivered, `it did not arrive: ${seen}`).not.toBe("");
  expect(isRefused, seen).toBe(true);
});

test.each(probeWorlds)(
  "a call to the kernel in another architecture's numbers ends the process: $accelerator, $user",
  async (world) => {
    const probe = await probeJail({ before: "1", x32: "call(0x40000000 + 39)", after: "1" }, world);
    expect([...probe.keys()]).toEqual(["before", SHARED_FILES]);
  },
);
