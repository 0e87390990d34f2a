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

test("a proxy for what goes out is refused, at the beginning and later", () => {
  const egressProxy = { address: "proxy.example:1080" };
  expect(() => readNetwork(asked({ egressProxy }), can)).toThrow(/unimplemented: egressProxy/);
  const update = parse(schemas.networkUpdate, { egressProxy });
  expect(() => readUpdate(update)).toThrow(/unimplemented: egressProxy/);
  expect(readNetwork(asked({ egressProxy: null }), can)).toEqual({});
});
