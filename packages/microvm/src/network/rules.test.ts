import type { RequestMatch } from "@emberbox/core/network";
import { expect, test } from "vitest";
import { parseRules, rulesFor } from "./rules.ts";

const refuse = (host: string): Error => new Error(host);
const asked = (method: string, url: string, ...headers: string[]) => ({ method, url, headers });
const key = (value: string, match?: RequestMatch) => ({
  ...(match && { match }),
  transform: { headers: { "X-Key": value } },
});

const isFor = (match: RequestMatch, request: ReturnType<typeof asked>): boolean => {
  const rules = parseRules({ "a.example": [key("set", match)] }, refuse);
  return rulesFor(rules, "a.example")!(request)["X-Key"] === "set";
};

test.each<[boolean, RequestMatch, ReturnType<typeof asked>]>([
  [true, {}, asked("GET", "/")],
  [true, { methods: ["GET", "POST"] }, asked("POST", "/")],
  [false, { methods: ["GET"] }, asked("get", "/")],
  [true, { path: { exact: "/a" } }, asked("GET", "/a?b=/c")],
  [false, { path: { exact: "/a" } }, asked("GET", "/a/")],
  [true, { path: { startsWith: "/a/" } }, asked("GET", "/a/b")],
  [false, { path: { startsWith: "/a/" } }, asked("GET", "/b?/a/")],
  [
    true,
    { query: [{ name: { exact: "s" }, value: { exact: "a b" } }] },
    asked("GET", "/?t=1&s=a%20b"),
  ],
  [true, { query: [{ value: { exact: "1" } }] }, asked("GET", "/?t=1&s=2")],
  [false, { query: [{ name: { exact: "s" } }] }, asked("GET", "/s=1")],
  [
    true,
    { headers: [{ name: { exact: "X-A" }, value: { exact: "B" } }] },
    asked("GET", "/", "x-a", "B"),
  ],
  [
    false,
    { headers: [{ name: { exact: "x-a" }, value: { exact: "b" } }] },
    asked("GET", "/", "X-A", "B"),
  ],
  [true, { headers: [{ name: { startsWith: "X-" } }] }, asked("GET", "/", "x-a", "B")],
  [false, { headers: [{ value: { exact: "B" } }] }, asked("GET", "/", "B", "x")],
  [false, { methods: ["GET"], path: { exact: "/a" } }, asked("GET", "/b")],
])("%s: %j for %j", (is, match, request) => {
  expect(isFor(match, request)).toBe(is);
});

test.each(["/a/../b", "/a/%2e%2E/b", "/a/./b", "/a//b", "/a/..", "/a\\..\\b", "/a%2fb"])(
  "%s, which a server may take for another path, is none that a rule is for",
  (url) => expect(isFor({ path: { startsWith: "/a" } }, asked("GET", url))).toBe(false),
);

test("a name that is there with another value, too, is not what was asked for", () => {
  const query = [{ name: { exact: "service" }, value: { exact: "read" } }];
  expect(isFor({ query }, asked("GET", "/?service=read"))).toBe(true);
  expect(isFor({ query }, asked("GET", "/?service=read&service=write"))).toBe(false);
  const headers = [{ name: { exact: "x-key" }, value: { exact: "placeholder" } }];
  expect(isFor({ headers }, asked("GET", "/", "X-Key", "placeholder"))).toBe(true);
  expect(isFor({ headers }, asked("GET", "/", "X-Key", "placeholder", "x-key", "y"))).toBe(false);
});

test("all rules for a host count, and the later ones win", () => {
  const rules = parseRules(
    {
      "*.example": [key("any"), { transform: { headers: { "x-other": "1" } } }],
      "a.example": [key("a", { path: { exact: "/a" } })],
    },
    refuse,
  );
  expect(rulesFor(rules, "a.test")).toBeUndefined();
  expect(rulesFor(rules, "b.example")!(asked("GET", "/a"))).toEqual({
    "X-Key": "any",
    "x-other": "1",
  });
  expect(rulesFor(rules, "a.example")!(asked("GET", "/a"))).toEqual({
    "X-Key": "a",
    "x-other": "1",
  });
  expect(rulesFor(rules, "a.example")!(asked("GET", "/b"))).toEqual({
    "X-Key": "any",
    "x-other": "1",
  });
  expect(() => parseRules({ "a b": [] }, refuse)).toThrow("a b");
});
