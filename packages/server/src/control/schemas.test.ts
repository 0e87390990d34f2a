import { expect, test } from "vitest";
import { networkUpdate } from "./schemas.ts";

const parse = (rule: object) => networkUpdate.safeParse({ rules: { "a.example": [rule] } });

test("a rule for some requests only is refused, not taken for one for all", () => {
  const transform = { headers: { "x-key": "value" } };
  expect(parse({ transform }).success).toBe(true);
  // What other clients say beside it is passed over, as everywhere.
  expect(parse({ transform, comment: "x" }).success).toBe(true);
  expect(parse({ transform, match: { methods: ["GET"] } }).success).toBe(false);
});
