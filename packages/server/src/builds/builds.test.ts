import { DatabaseSync } from "node:sqlite";
import type { BuildTemplateOptions, TemplateRequest } from "@emberbox/core/template";
import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { prepareTables } from "../schema.ts";
import { operator } from "../tenants.ts";
import { Builds } from "./builds.ts";
import { openBuildRows } from "./rows.ts";

const request: TemplateRequest = { from: "default", steps: [] };
const requestOf = () => Promise.resolve(request);

function openDatabase() {
  const database = new DatabaseSync(":memory:");
  prepareTables(database);
  return database;
}
const rows = (database = openDatabase()) => openBuildRows(database, "here");

/** Builds that end when they are told to, or are aborted. */
function setUp() {
  const ends: (() => void)[] = [];
  const build = (_caller: unknown, _request: unknown, { signal }: BuildTemplateOptions) =>
    new Promise<never>((resolve, reject) => {
      ends.push(() => resolve({} as never));
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as the signal's owner wants it
      signal!.addEventListener("abort", () => reject(signal!.reason));
    });
  const database = openDatabase();
  const builds = new Builds({ build }, rows(database), pino({ level: "silent" }));
  return { builds, ends, database };
}

test("two run at a time, the others wait, and too many are refused", async () => {
  const { builds, ends } = setUp();
  const all = Array.from({ length: 22 }, (_, index) => builds.ask(`t${index}`, ["default"], {}));
  for (const build of all) builds.start(build, operator, requestOf);
  const count = (state: string): number => all.filter((build) => build.state === state).length;
  expect([count("building"), count("waiting")]).toEqual([2, 20]);
  const more = builds.ask("more", ["default"], {});
  expect(() => builds.start(more, operator, requestOf)).toThrow(/20 are waiting/);
  expect(() => builds.start(all[0]!, operator, requestOf)).toThrow(/started before/);
  await vi.waitFor(() => expect(ends).toHaveLength(2));
  ends[0]!();
  await vi.waitFor(() => expect([count("ready"), count("building")]).toEqual([1, 2]));
  builds.start(more, operator, requestOf);
  await builds.close();
  expect(all[5]).toMatchObject({ state: "error", reason: "The server is shutting down" });
  expect(count("building") + count("waiting")).toBe(0);
});

test("a build ends as it does when the store is closed before it", async () => {
  const { builds, ends, database } = setUp();
  const build = builds.ask("mine", ["default"], {});
  builds.start(build, operator, requestOf);
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  database.close();
  ends[0]!();
  await builds.close();
  expect(build.state).toBe("ready");
});

test("files are expected by builds that have not begun, with their token", () => {
  const { builds } = setUp();
  expect(() => builds.expectFiles("mine", "a")).toThrow(/waits for files/);
  const build = builds.ask("mine", ["default"], {});
  const other = builds.ask("mine", ["default"], {});
  const token = builds.expectFiles("mine", "a");
  expect(builds.expectFiles("mine", "a")).toBe(token);
  expect([...build.files, ...other.files]).toEqual([
    ["a", token],
    ["a", token],
  ]);
  builds.demandExpected("mine", "a", token);
  for (const [name, hash, given] of [
    ["other", "a", token],
    ["mine", "b", token],
    ["mine", "a", ""],
  ] as const)
    expect(() => builds.demandExpected(name, hash, given)).toThrow(/No build waits/);
  expect([...builds.usedFiles()]).toEqual(["a"]);
  builds.start(other, operator, requestOf);
  builds.demandExpected("mine", "a", token);
  builds.start(build, operator, requestOf);
  expect(() => builds.demandExpected("mine", "a", token)).toThrow(/No build waits/);
});

test("only the last ones are remembered, and those that are not over", async () => {
  const { builds, ends } = setUp();
  const running = builds.ask("mine", ["default"], {});
  builds.start(running, operator, requestOf);
  const asked = Array.from({ length: 60 }, () => builds.ask("mine", ["default"], {}));
  expect(builds.find("mine", running.id)).toBe(running);
  expect(() => builds.find("mine", asked[0]!.id)).toThrow(/no longer/);
  expect(builds.find("mine", asked.at(-1)!.id)).toBe(asked.at(-1));
  expect(() => builds.find("other", running.id)).toThrow(/no build/);
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  ends[0]!();
  await vi.waitFor(() => expect(running.state).toBe("ready"));
});

test("a failure is told, but not what it reveals of the server", async () => {
  const builds = new Builds(
    { build: () => Promise.reject(new Error("/secret/path")) },
    rows(),
    pino({ level: "silent" }),
  );
  const build = builds.ask("mine", ["default"], {});
  builds.start(build, operator, requestOf);
  await vi.waitFor(() => expect(build.state).toBe("error"));
  expect(build.reason).toBe("The server failed; its log says why");
  expect(build.log.page(0)).toMatchObject([
    { level: "error", message: build.reason, step: "base" },
  ]);
});
