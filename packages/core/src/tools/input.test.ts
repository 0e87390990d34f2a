import { expect, test } from "vitest";
import { z } from "zod";
import { inputSchema } from "./input.ts";

const schema = inputSchema({
  language: z.string().optional().describe("A language"),
  code: z.string().describe("Code"),
  timeout_ms: z.int().min(1).optional().describe("Milliseconds"),
  all: z.boolean().optional().describe("All"),
});
const problem = (raw: unknown): string => {
  const parsed = schema.parse(raw);
  return "problem" in parsed ? parsed.problem : expect.fail("it was accepted");
};

test("the JSON schema says exactly what is expected, in order", () => {
  expect(Object.keys(schema.json.properties)).toEqual(["language", "code", "timeout_ms", "all"]);
  expect(schema.json).toMatchObject({ type: "object", required: ["code"] });
  expect(schema.json.properties["timeout_ms"]).toMatchObject({ type: "integer", minimum: 1 });
});

test("the zod schema says the same, and lets everything pass", () => {
  const { $schema, ...said } = z.toJSONSchema(schema.lenient, { target: "draft-7", io: "input" });
  expect($schema).toContain("draft-07");
  expect(said).toEqual(schema.json);
  for (const raw of [{}, { code: 5 }, { code: null, more: [1] }]) {
    expect(schema.lenient.safeParse(raw).success).toBe(true);
  }
});

test("what models write otherwise is understood", () => {
  const expected = { input: { code: "1", timeout_ms: 500, all: true }, ignored: ["more"] };
  const given = { language: null, code: 1, timeout_ms: "500", all: "True", more: 1 };
  expect(schema.parse(given)).toEqual(expected);
  expect(schema.parse(JSON.stringify(given))).toEqual(expected);
  expect(schema.parse({ code: { a: 1 } })).toMatchObject({ input: { code: '{\n  "a": 1\n}' } });
});

test("what is wrong is named, with what is expected", () => {
  expect(problem({})).toMatch(/`code` \(a string\) is missing.*`language` \(optional\)/);
  expect(problem({ source: "x" })).toContain("Not known here: `source`");
  expect(problem({ code: "x", timeout_ms: "soon" })).toMatch(
    /`timeout_ms` must be an integer.*`soon`/,
  );
  expect(problem({ code: "x", timeout_ms: -5 })).toContain("of at least 1, got `-5`");
  for (const raw of ["{bad json", [1], 5, "[]"]) expect(problem(raw)).toContain("JSON object");
});

test("the strict form requires all, and has no bounds", () => {
  const { properties, required } = schema.strictJson;
  expect(required).toEqual(Object.keys(schema.json.properties));
  expect(properties["code"]).toEqual({ type: "string", description: "Code" });
  expect(properties["timeout_ms"]).toEqual({
    anyOf: [{ type: "integer", description: "Milliseconds" }, { type: "null" }],
  });
  const { $schema: _, ...said } = z.toJSONSchema(schema.strictLenient, { target: "draft-7" });
  expect(said).toEqual(schema.strictJson);
  expect(schema.strictLenient.safeParse({ code: 5 }).success).toBe(true);
});

test("arguments may come in other wrappings, and under other names", () => {
  const habits = {
    names: { code: ["script"] },
    lists: { code: (lines: readonly unknown[]) => lines.join("\n") },
  };
  const loose = inputSchema(
    { code: z.string(), timeout_ms: z.int().min(1).optional(), all: z.boolean().optional() },
    habits,
  );
  const plain = { code: "1", timeout_ms: 5 };
  for (const given of [
    JSON.stringify(JSON.stringify(plain)),
    `\`\`\`json\n${JSON.stringify(plain)}\n\`\`\``,
    [plain],
    { arguments: plain },
    { name: "run_code", arguments: JSON.stringify(plain) },
    { script: "1", timeoutMs: 5 },
    { Code: "1", "timeout-ms": "5.2" },
    { code: ["1"], timeout_ms: 5, all: "null" },
  ]) {
    expect(loose.parse(given)).toMatchObject({ input: plain });
  }
  expect(loose.parse('{"code":"a\n\tb"}')).toMatchObject({ input: { code: "a\n\tb" } });
  expect(loose.parse({ code: "1", script: "2" })).toEqual({
    input: { code: "1" },
    ignored: ["script"],
  });
  expect(loose.parse({ code: "1", all: 1 })).toMatchObject({ input: { all: true } });
});

test("0 stands for a number that is not given, where there is no 0", () => {
  expect(schema.parse({ code: "1", timeout_ms: 0 })).toEqual({ input: { code: "1" }, ignored: [] });
  expect(schema.parse({ code: "1", timeout_ms: "0" })).toMatchObject({ input: { code: "1" } });
  const needed = inputSchema({ line: z.int().min(1) }).parse({ line: 0 });
  expect(needed).toMatchObject({ problem: expect.stringContaining("of at least 1, got `0`") });
  const named = inputSchema({ path: z.string().min(1) }).parse({ path: "" });
  expect(named).toMatchObject({ problem: expect.stringContaining("`path` is empty") });
});

test("names of the prototype are no arguments", () => {
  expect(
    schema.parse(JSON.parse('{"code":"x","__proto__":{"all":true},"constructor":1}')),
  ).toMatchObject({
    input: { code: "x" },
  });
});
