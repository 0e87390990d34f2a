import type { SandboxProvider } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { newApiKey, resolveOptions, type ServeOptions } from "./options.ts";

const provider = { name: "some" } as SandboxProvider;

const uncapable = { name: "some", capabilities: {} } as SandboxProvider;

test("a server that others can reach wants a key", () => {
  for (const host of ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
    expect(resolveOptions({ provider, host })).toMatchObject({ host, port: 3000 });
  for (const host of [
    "0.0.0.0",
    "::",
    "192.168.1.4",
    "localhost.example.com",
    "127.0.0.1.example",
  ]) {
    expect(() => resolveOptions({ provider, host })).toThrow("needs an API key");
    expect(resolveOptions({ provider, host, apiKeys: [newApiKey()] }).host).toBe(host);
  }
});

test.each<[Partial<ServeOptions>, string]>([
  [{ port: 65_536 }, "`port`"],
  [{ apiKeys: ["short"] }, "`apiKeys`"],
  [{ apiKeys: ["with a space in it"] }, "`apiKeys`"],
  [{ apiKeys: { red: "short" } }, "`apiKeys`"],
  [{ apiKeys: { "a/b": "long enough" } }, "`apiKeys`"],
  [{ apiKeys: { red: [] } }, "`apiKeys`"],
  [{ apiKeys: { red: "the same key", blue: ["the same key"] } }, "`apiKeys`"],
  [{ apiKeys: { red: "the-same-key", blue: ["the-same-key"] } }, "given twice"],
  [{ apiKeys: ["the-same-key"], operatorKey: "the-same-key" }, "given twice"],
  [{ operatorKey: "short" }, "`operatorKey`"],
  [{ domain: "http://x" }, "`domain`"],
  [{ tls: { cert: "x" } as never }, "`tls`"],
  [{ maxSandboxes: 0 }, "`maxSandboxes`"],
  [{ network: "off" as never }, "`network`"],
  [{ codeUser: "daemon" as never }, "`codeUser`"],
  [{ network: { rules: {} } as never }, "`network`"],
  [{ network: false, provider: uncapable }, "no ceiling"],
  [{ webhooks: true, provider: uncapable }, "no webhooks"],
  [{ onShutdown: "pause" }, "cannot pause"],
  [{ hots: "x" } as never, "Unknown option `hots`"],
])("%j is refused", (options, message) => {
  expect(() => resolveOptions({ provider, ...options })).toThrow(message);
});

test("keys are of the form that old SDKs insist on", () => {
  expect(newApiKey()).toMatch(/^e2b_[0-9a-f]{40}$/);
  expect(newApiKey()).not.toBe(newApiKey());
});

const tenantsOf = (apiKeys: ServeOptions["apiKeys"]) =>
  Object.fromEntries(resolveOptions({ provider, apiKeys }).tenants);

test("keys belong to tenants", () => {
  expect(tenantsOf(["one-key-1", "one-key-2"])).toEqual({ default: ["one-key-1", "one-key-2"] });
  expect(tenantsOf({ red: "red-key-1", blue: ["blue-key-1", "blue-key-2"] })).toEqual({
    red: ["red-key-1"],
    blue: ["blue-key-1", "blue-key-2"],
  });
  expect(tenantsOf(undefined)).toEqual({});
  expect(tenantsOf({})).toEqual({});
});

test.each<Partial<ServeOptions>>([
  { apiKeys: "hunter2" as never },
  { apiKeys: ["hunter2"] },
  { apiKeys: { red: "hunter2" } },
  { operatorKey: "hunter2" },
  { tls: "hunter2" as never },
])("a secret is not repeated: %j", (options) => {
  expect(() => resolveOptions({ provider, ...options })).toThrow(/^(?!.*hunter2).*option/);
});
