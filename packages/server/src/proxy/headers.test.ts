import { expect, test } from "vitest";
import { requestHeaders } from "./headers.ts";

const KEY = "a-key-of-ours";
const pass = (headers: Record<string, string>, host?: string) =>
  requestHeaders(headers, host, (text) => text === KEY);

test.each([
  { "x-api-key": KEY },
  { "x-api-key": `${KEY}, other` },
  { authorization: `Bearer ${KEY}` },
  { "x-forwarded-key": KEY },
  // Keys that were taken back, and those of other servers.
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
