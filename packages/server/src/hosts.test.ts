import { expect, test } from "vitest";
import { createHostCheck } from "./hosts.ts";

const check = (host: string, allowedHosts?: string[]) =>
  createHostCheck({ host, allowedHosts }, () => "sbx.localhost:3000");

test.each([
  "localhost",
  "localhost:3000",
  "127.0.0.1:1",
  "[::1]:3000",
  "sbx.localhost",
  "api.sbx.localhost:3000",
  "LOCALHOST",
  "127.8.8.8",
])("%s is this machine", (host) => {
  expect(() => check("127.8.8.8")({ host })).not.toThrow();
  expect(() => check("127.8.8.8")({ ":authority": host })).not.toThrow();
});

test.each([
  "evil.example",
  "localhost.evil.example",
  "127.0.0.1.evil.example:3000",
  "evil-localhost",
  "",
  "10.0.0.1",
  "localhost:x",
  "localhost@evil.example",
  "evil.example#.localhost ",
])("%j is not", (host) => expect(() => check("127.0.0.1")({ host })).toThrow("host name"));

test("others are allowed by name, and a server that others reach has any", () => {
  expect(() => check("127.0.0.1", ["box.example"])({ host: "box.example:80" })).not.toThrow();
  expect(() => check("127.0.0.1", ["box.example"])({ host: "x.box.example" })).toThrow();
  expect(() => check("0.0.0.0")({ host: "evil.example" })).not.toThrow();
  expect(() => check("0.0.0.0", ["box.example"])({ host: "evil.example" })).toThrow();
});
