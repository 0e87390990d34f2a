import { describe, expect, it } from "vitest";
import { executionRequest, optionalString } from "./request.ts";

describe("a request to run code", () => {
  it("needs code", () => {
    expect(executionRequest({ code: "1" })).toEqual({
      code: "1",
      envs: undefined,
      timeoutMs: 0,
      reportFiles: false,
    });
    for (const code of [undefined, null, 1, {}, ["1"]])
      expect(() => executionRequest({ code })).toThrow(/code/);
  });

  it("refuses code that is too long", () => {
    expect(() => executionRequest({ code: "x".repeat(16 * 1024 * 1024 + 1) })).toThrow(/limit/);
    expect(() => executionRequest({ code: "é".repeat(9 * 1024 * 1024) })).toThrow(/limit/);
  });

  it("refuses variables that cannot be", () => {
    const bad = [
      [],
      "A=1",
      { A: 1 },
      { A: null },
      { "": "1" },
      { "A=": "1" },
      { "A\0": "1" },
      { A: "\0" },
    ];
    for (const env_vars of bad) expect(() => executionRequest({ code: "1", env_vars })).toThrow();
    expect(executionRequest({ code: "1", env_vars: { A: "1" } }).envs).toEqual({ A: "1" });
  });

  it("refuses deadlines that are none", () => {
    for (const timeout_ms of ["1", -1, Number.NaN, {}])
      expect(() => executionRequest({ code: "1", timeout_ms })).toThrow(/timeout/);
    expect(executionRequest({ code: "1", timeout_ms: 1e300 }).timeoutMs).toBe(2 ** 31 - 1);
  });
});

describe("a string field", () => {
  it("may be absent, and must be sane", () => {
    expect(optionalString({}, "cwd")).toBeUndefined();
    expect(optionalString({ cwd: "/tmp" }, "cwd")).toBe("/tmp");
    for (const cwd of [1, {}, "a\0b", "x".repeat(5000)])
      expect(() => optionalString({ cwd }, "cwd")).toThrow();
  });
});
