import { expect, test } from "vitest";
import { targetOf } from "./target.ts";

test("a sandbox is named by the host, or else by headers", () => {
  const headers = { "e2b-sandbox-id": "iabc", "e2b-sandbox-port": "49999" };
  expect(targetOf({ host: "localhost:3000", ...headers })).toEqual({
    sandboxId: "iabc",
    port: 49999,
  });
  expect(targetOf({ host: "127.0.0.1", "e2b-sandbox-id": "iabc-client" })).toEqual({
    sandboxId: "iabc",
    port: 49983,
  });
  const named = { sandboxId: "ixyz", port: 8080 };
  expect(targetOf({ host: "8080-ixyz.localhost:3000", ...headers })).toEqual(named);
  expect(targetOf({}, "8080-IXYZ.sbx.example")).toEqual(named);
  for (const host of [
    "localhost",
    "api.localhost",
    "8080.localhost",
    "x-ixyz.localhost",
    "8080-i_.x",
  ])
    expect(targetOf({ host })).toBeUndefined();
});

test("a request to connect is for the server, whatever its headers name, unless a program in a sandbox listens", () => {
  const connect = "/sandboxes/iabc/connect?a=b";
  const named = { "e2b-sandbox-id": "iabc", "e2b-sandbox-port": "49983" };
  expect(targetOf(named, undefined, connect)).toBeUndefined();
  expect(targetOf(named, undefined, "/sandboxes/iabc/connected")).toBeDefined();
  expect(targetOf({ ...named, "e2b-sandbox-port": "80" }, undefined, connect)).toBeDefined();
  expect(targetOf({ host: "49983-iabc.localhost" }, undefined, connect)).toBeDefined();
});

test.each([
  { host: "0-ixyz.localhost" },
  { host: "70000-ixyz.localhost" },
  { "e2b-sandbox-id": "../x" },
  { "e2b-sandbox-id": "iabc", "e2b-sandbox-port": "80a" },
])("%j names none", (headers) => {
  expect(() => targetOf(headers)).toThrow("Invalid sandbox");
});
