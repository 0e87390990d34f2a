import { expect, test } from "vitest";
import { headersInside } from "./headers.ts";

const KEY = "a-key-of-ours";
const isKey = (text: string): boolean => text === KEY;

/** What is passed on, by names in lower case. */
function pass(headers: Record<string, string>, host?: string): Record<string, string> {
  const passed = headersInside(Object.entries(headers).flat(), { host, isKey });
  return Object.fromEntries(
    passed.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), passed[at + 1]!]] : [])),
  );
}

test.each([
  { "x-api-key": KEY },
  { "x-api-key": `${KEY}, other` },
  { authorization: `Bearer ${KEY}` },
  { "x-forwarded-key": KEY },
  // Keys that were revoked, and those of other servers.
  { "x-api-key": `e2b_${"0f".repeat(20)}` },
  { authorization: `bearer sk_e2b_${"0f".repeat(20)}` },
  { "x-access-token": "0f".repeat(32) },
  { "e2b-traffic-access-token": "anything" },
])("%j does not go to the sandbox", (headers) => {
  expect(pass({ ...headers, accept: "*/*" })).toEqual({ accept: "*/*" });
});

test.each([
  { "x-api-key": "the-guest's-own" },
  { authorization: "Bearer of-the-guest" },
  { authorization: "Basic dXNlcjo=" },
  { "x-access-token": "of-the-guest" },
  { etag: "0f".repeat(32) },
])("%j does", (headers) => expect(pass(headers)).toEqual(headers));

test("the host is the client's, or the mask", () => {
  expect(pass({ host: "a", connection: "x-own", "x-own": "1" })).toEqual({ host: "a" });
  expect(pass({ host: "a", ":authority": "b" }, "masked")).toEqual({ host: "masked" });
});

test("headers of the connection and for this server are not passed on", () => {
  const headers = pass({
    ":authority": "8080-ixyz.localhost",
    connection: "keep-alive, x-once",
    "x-once": "1",
    "transfer-encoding": "chunked",
    expect: "100-continue",
    "e2b-sandbox-id": "ixyz",
    "e2b-traffic-access-token": "secret",
    "x-api-key": "the sandbox's own",
    cookie: "a=1",
  });
  expect(headers).toEqual({
    host: "8080-ixyz.localhost",
    "x-api-key": "the sandbox's own",
    cookie: "a=1",
  });
  expect(pass({ host: "outside" }, "inside:80")).toEqual({ host: "inside:80" });
});

test("names keep the case that they were written in", () => {
  const written = ["HOST", "a", "X-MiXed", "1", "X-Own", "2", "X-API-Key", KEY];
  const passed = headersInside(written, { isKey, without: new Set(["x-own"]) });
  expect(passed).toEqual(["Host", "a", "X-MiXed", "1"]);
});
