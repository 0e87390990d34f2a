import type { AuditEvent } from "@emberbox/core/audit";
import { expect, test } from "vitest";
import { lineOf, passes } from "./audit.ts";

const event: AuditEvent = {
  ...{ seq: 3, time: "2026-01-31T08:00:00.000Z", sandboxId: "ia", event: "call" },
  ...{ call: 2, method: "commands.run", command: { text: "a\n\u001B[31mb" } },
  ...{ prev: "0", hash: "1" },
};

test("an event is one line, whatever it holds", () => {
  const line = lineOf(event);
  expect(line).toBe(
    `2026-01-31T08:00:00.000Z  ia  call  #2  commands.run  {"command":{"text":"a\\n\\u001b[31mb"}}`,
  );
  expect(lineOf({ ...event, command: "x".repeat(10_000) }).length).toBeLessThan(300);
});

test.each([
  [{}, true],
  [{ sandbox: "ia", kind: "call" }, true],
  [{ sandbox: "ib" }, false],
  [{ kind: "network" }, false],
  [{ since: Date.parse("2026-01-31T08:00:00Z"), until: Date.parse("2026-01-31T08:00:01Z") }, true],
  [{ since: Date.parse("2026-01-31T08:00:01Z") }, false],
  [{ until: Date.parse("2026-01-31T08:00:00Z") }, false],
] as const)("%j: %j", (filter, is) => expect(passes(event, filter)).toBe(is));
