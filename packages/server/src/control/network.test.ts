import { egressOf, withoutValues } from "../known-network.ts";
import type { Capabilities } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { readNetwork, readUpdate } from "./network.ts";
import * as schemas from "./schemas.ts";
import { parse } from "./schemas.ts";

const can = { network: true, tlsEndpoints: true } as Capabilities;
const asked = (network: unknown) => parse(schemas.create, { templateID: "base", network });

test("ports that speak TLS are known, where they can be reached", () => {
  expect(readNetwork(asked({ httpsPorts: [8443, 443] }), can)).toEqual({ httpsPorts: [8443, 443] });
  expect(readNetwork(asked({ httpsPorts: [] }), {} as Capabilities)).toEqual({});
  const poor = { network: true } as Capabilities;
  expect(() => readNetwork(asked({ httpsPorts: [443] }), poor)).toThrow(
    /unimplemented: httpsPorts/,
  );
  for (const port of [0, 65_536, 1.5, "443", 49983, 49999])
    expect(() => asked({ httpsPorts: [port] })).toThrow(/httpsPorts/);
});

test("what is not known of a network may be a restriction, and is refused", () => {
  expect(() => readNetwork(asked({ denyIn: ["0.0.0.0/0"] }), can)).toThrow(
    /unimplemented: network\.denyIn/,
  );
  const update = parse(schemas.networkUpdate, { denyOut: [], denyIn: [] });
  expect(() => readUpdate(update)).toThrow(/unimplemented: network\.denyIn/);
  expect(readNetwork(asked({ denyIn: null }), can)).toEqual({});
});

test.each([
  [{ egressProxy: { address: "proxy.example:1080", tls: {} } }, "network.egressProxy.tls"],
  [{ rules: { "a.example": [{ transform: { query: {} } }] } }, "network.rules.transform.query"],
  [{ rules: { "a.example": [{ methods: ["GET"] }] } }, "network.rules.methods"],
  [
    {
      rules: {
        "a.example": [{ transform: { headers: { a: "Bearer ${e2b.identity.tokens.a}" } } }],
      },
    },
    "identity tokens",
  ],
])("%j is refused, as it would be less than was asked for", (network, named) => {
  const all = { ...can, egressProxy: true };
  expect(() => readNetwork(asked(network), all)).toThrow(`unimplemented: ${named}`);
  const update = parse(schemas.networkUpdate, network);
  expect(() => readUpdate(update)).toThrow(`unimplemented: ${named}`);
});

test("a rule may change nothing", () => {
  const rules = { "a.example": [{ transform: {} }], "b.example": [{}] };
  expect(readNetwork(asked({ rules }), can)).toEqual({
    rules: { "a.example": [{ transform: { headers: {} } }], "b.example": [] },
  });
});

test("a proxy for what goes out is passed on where the provider has it, without its password where it is kept", () => {
  const egressProxy = { address: "proxy.example:1080", username: "me", password: "secret" };
  expect(() => readNetwork(asked({ egressProxy }), can)).toThrow(/unimplemented: egressProxy/);
  const network = readNetwork(asked({ egressProxy }), { ...can, egressProxy: true });
  expect(egressOf(network)).toEqual({ egressProxy });
  expect(egressOf(readUpdate(parse(schemas.networkUpdate, { egressProxy })))).toEqual({
    egressProxy,
  });
  expect(withoutValues(network)).toEqual({
    egressProxy: { address: "proxy.example:1080", username: "me" },
  });
  expect(readNetwork(asked({ egressProxy: null }), can)).toEqual({});
});
