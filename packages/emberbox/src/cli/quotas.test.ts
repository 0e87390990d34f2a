import { expect, test } from "vitest";
import { readQuotas } from "./quotas.ts";

test("quotas are of a tenant, or of each", () => {
  expect(readQuotas(["red=sandboxes:10,memory:8192", "red=disk:5", "snapshots:20"])).toEqual({
    red: { sandboxes: 10, memoryMB: 8192, diskMB: 5 },
    "*": { snapshots: 20 },
  });
  expect(readQuotas([])).toEqual({});
});

test.each([
  "",
  "red=",
  "red",
  "cpu:1",
  "sandboxes:-1",
  "sandboxes:x",
  "sandboxes:1,",
  "a/b=disk:1",
])("%j is refused", (wrong) => expect(() => readQuotas([wrong])).toThrow("--quota"));
