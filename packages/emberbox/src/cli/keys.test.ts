import { expect, test } from "vitest";
import { readKeys } from "./keys.ts";

test("keys are grouped by the tenants that they are given for", () => {
  expect(readKeys(["red=key-1", "blue=key-2", "red=key=3", "plain", "base64=="])).toEqual({
    red: ["key-1", "key=3"],
    blue: ["key-2"],
    default: ["plain", "base64=="],
  });
  expect(readKeys([])).toEqual({});
});

test("a tenant without a proper name is refused, and the key is not repeated", () => {
  for (const wrong of ["=secret-key", "a b=secret-key", "../x=secret-key"]) {
    expect(() => readKeys([wrong])).toThrow("A tenant has a name");
    expect(() => readKeys([wrong])).not.toThrow("secret-key");
  }
});
