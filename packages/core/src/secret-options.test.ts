import { expect, test } from "vitest";
import { z } from "zod";
import { e2b } from "./index.ts";
import { envs, parseArgument, parseOptions } from "./options.ts";
import { secretsSchema } from "./network.ts";

const SECRET = "hunter2 hunter2";

const message = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
};

test("what is marked as a secret is not repeated, however wrong it is", () => {
  const token = z.string().max(3).optional().describe("short").meta({ secret: true });
  const schema = z.strictObject({
    token,
    envs,
    secrets: secretsSchema as z.ZodType as typeof token,
  });
  for (const name of Object.keys(schema.shape))
    expect(message(() => parseOptions(schema, { [name]: SECRET }))).not.toContain("hunter2");
  expect(message(() => parseOptions(schema, { secrets: SECRET }))).toMatch(
    /^Expected the `secrets` option .* got a string that is not shown$/,
  );
  expect(message(() => parseArgument(token, "token", SECRET))).not.toContain("hunter2");
  const plain = z.strictObject({ word: z.string().max(3).describe("short") });
  expect(message(() => parseOptions(plain, { word: "shown" }))).toContain("got `shown` (string)");
});

test("nor are the key of a service, and the password in its URL", () => {
  expect(message(() => e2b({ apiKey: 1_234_567 as never }))).not.toContain("1234567");
  const apiUrl = `ftp://me:hunter2@example.com`;
  expect(message(() => e2b({ apiKey: "x", apiUrl }))).toContain("ftp://…@example.com");
  const url = z.strictObject({ url: z.int().describe("a number") });
  expect(message(() => parseOptions(url, { url: apiUrl }))).not.toContain("hunter2");
});
