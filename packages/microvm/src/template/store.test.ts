import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { removeUnused } from "./store.ts";

const DAY_S = 24 * 60 * 60;

test("templates go after a week without use, and unfinished ones at once; locks stay", async () => {
  const templates = mkdtempSync(join(tmpdir(), "emberbox-templates-"));
  onTestFinished(() => rmSync(templates, { recursive: true }));
  const make = (name: string, days?: number): void => {
    mkdirSync(join(templates, name));
    writeFileSync(join(templates, name, "ram"), "");
    if (days === undefined) return;
    const facts = join(templates, name, "template.json");
    const used = Date.now() / 1000 - days * DAY_S;
    writeFileSync(facts, "{}");
    utimesSync(facts, used, used);
  };
  make("used", 6);
  make("unused", 8);
  make("killed.building");
  make("killed-last.building", 0);
  writeFileSync(join(templates, "used.lock"), "");
  await removeUnused(templates);
  expect(readdirSync(templates).toSorted()).toEqual(["used", "used.lock"]);
});
