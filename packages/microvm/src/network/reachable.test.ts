import { expect, test } from "vitest";
import type { NameResolver } from "./resolve.ts";
import { reachable } from "./reachable.ts";

const names: Readonly<Record<string, readonly string[]>> = {
  "public.example": ["93.184.216.34"],
  "inside.example": ["10.0.0.7"],
  "both.example": ["169.254.169.254", "93.184.216.34"],
};
const resolver = (): NameResolver => ({ resolve: async (name) => names[name] ?? [] });

test("what is public is reached, by name and by address, and only at addresses that are public", async () => {
  expect(await reachable("public.example", true, resolver)).toEqual(["93.184.216.34"]);
  expect(await reachable("8.8.8.8", true, resolver)).toEqual(["8.8.8.8"]);
  expect(await reachable("both.example", true, resolver)).toEqual(["93.184.216.34"]);
});

test.for([
  "127.0.0.1",
  "::1",
  "::ffff:127.0.0.1",
  "64:ff9b::7f00:1",
  "10.0.0.7",
  "169.254.169.254",
  "0.0.0.0",
  "inside.example",
  "127.1",
  "0x7f000001",
  "fe80::1%eth0",
  "a b",
  "",
])("%j is not", async (host) => {
  await expect(reachable(host, true, resolver)).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a ceiling decides what else is reached, and what is not", async () => {
  const loopback = { allowOut: ["127.0.0.1"] };
  expect(await reachable("127.0.0.1", loopback, resolver)).toEqual(["127.0.0.1"]);
  await expect(reachable("127.0.0.2", loopback, resolver)).rejects.toThrow("loopback");
  const only = { allowOut: ["public.example"], denyOut: ["0.0.0.0/0"] };
  expect(await reachable("public.example", only, resolver)).toEqual(["93.184.216.34"]);
  await expect(reachable("8.8.8.8", only, resolver)).rejects.toThrow("allowOut");
  await expect(reachable("public.example", false, resolver)).rejects.toThrow("off");
});
