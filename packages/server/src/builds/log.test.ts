import type { TemplateLog } from "@emberbox/core/template";
import { expect, test } from "vitest";
import { BuildLog } from "./log.ts";

const step = (at: number, steps = 2, isCached = false): TemplateLog => ({
  ...{ type: "step", step: at, steps, text: `RUN ${at}`, isCached },
});
const output = (text: string, stream: "stdout" | "stderr" = "stdout"): TemplateLog => ({
  ...{ type: "output", stream, text },
});
const all = (log: BuildLog) => {
  const found = [];
  for (let page = log.page(0); page.length > 0; page = log.page(found.length)) {
    expect(page.length).toBeLessThanOrEqual(100);
    found.push(...page);
  }
  return found;
};

test("output is told line by line, with the step that it belongs to", () => {
  const log = new BuildLog();
  log.add({ type: "progress", text: "waiting" });
  log.add(step(1, 2, true));
  log.add(step(2));
  for (const text of ["on", "e\ntwo\r\n\n10%\r20%", "\r"]) log.add(output(text));
  log.add(output("bad\nunfinished", "stderr"));
  log.add({ type: "progress", text: "saving" });
  log.end("error", "it failed");
  expect(all(log).map(({ step, level, message }) => `${step} ${level} ${message}`)).toEqual([
    "base info waiting",
    "1 info [1/2, as it was built before] RUN 1",
    "2 info [2/2] RUN 2",
    "2 info one",
    "2 info two",
    "2 info 10%",
    "2 info 20%",
    "2 warn bad",
    "2 warn unfinished",
    "finalize info saving",
    "finalize error it failed",
  ]);
  expect(log.step).toBe("finalize");
  expect(log.tail(1)).toMatchObject([{ message: "it failed" }]);
});

test.each([
  ["many lines", "line\n".repeat(5000)],
  ["long lines", `${"x".repeat(1_000_000)}\n`],
  ["a line without end", "x".repeat(1_000_000)],
])("%s fill it, which it says once; what it has stays, and steps are still told", (_what, text) => {
  const log = new BuildLog();
  log.add(step(1));
  for (let count = 0; count < 20; count++) log.add(output(text));
  log.add(step(2));
  const entries = all(log);
  expect(entries.length).toBeLessThan(10_010);
  expect(entries.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(5e6);
  expect(entries.filter(({ message }) => message.includes("is full"))).toHaveLength(1);
  expect(entries[0]!.message).toBe("[1/2] RUN 1");
  expect(entries.at(-1)!.message).toBe("[2/2] RUN 2");
});
