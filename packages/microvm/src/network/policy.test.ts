import { describe, expect, test } from "vitest";
import { parseAddress, parseRange, specialKind } from "./addresses.ts";
import { parseName } from "./hosts.ts";
import { parsePolicy } from "./policy.ts";

const allows = (
  network: Parameters<typeof parsePolicy>[0],
  name: string | undefined,
  ...to: string[]
): boolean => {
  const policy = parsePolicy(network);
  if (name !== undefined && policy.refusesName(name) !== undefined) return false;
  return policy.decide(name, to).allowed;
};

describe("addresses that are not of the public internet are refused", () => {
  test.each([
    ...["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.255.0.1"],
    ...["169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255"],
    ...["240.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9", "192.0.0.170"],
    ...["::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"],
    ...["::ffff:10.0.0.1", "::ffff:a00:1", "::ffff:169.254.169.254", "::10.0.0.1", "::127.0.0.1"],
    ...[
      "64:ff9b::10.0.0.1",
      "64:ff9b::a9fe:a9fe",
      "64:ff9b:1::10.0.0.1",
      "2002:a00:1::",
      "2001::1",
    ],
    ...["100::1", "5f00::1", "4000::1", "2001:db8::1", "2001:2::1", "3fff::1", "::ffff:0:10.0.0.1"],
    ...["168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "161.26.0.10", "166.9.1.1"],
    ...["100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "192.88.99.1"],
    ...["2606:4700::5efe:a00:1", "2606:4700::200:5efe:7f00:1"],
  ])("%s", (address) => {
    expect(allows(true, undefined, address)).toBe(false);
    expect(allows(true, "a.example", address)).toBe(false);
    expect(allows({ allowOut: ["0.0.0.0/0", "::/0"] }, undefined, address)).toBe(false);
    expect(allows({ allowOut: ["*"], denyOut: ["0.0.0.0/0"] }, "a.example", address)).toBe(false);
  });

  test.each([
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3", "10.0.0.0/8"],
    ["::ffff:10.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "::ffff:10.0.0.0/104"],
    ["fd00::1", "fd00::/8"],
    ["127.0.0.1", "127.0.0.1/32"],
    ["168.63.129.16", "168.63.129.16"],
  ])("%s is reached when %s is named", (address, entry) => {
    expect(allows({ allowOut: [entry] }, undefined, address)).toBe(true);
  });

  test("public addresses are reached, also through NAT64", () => {
    for (const address of ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
      expect(allows(true, undefined, address)).toBe(true);
  });
});

test.each([
  "0x7f.1",
  "2130706433",
  "127.1",
  "0177.0.0.1",
  "127.0.0.1.",
  "fe80::1%lo",
  "[::1]",
  "1.1.1.1/0",
])("%s is no address and no name", (text) => {
  expect(parseAddress(text)).toBeUndefined();
  expect(parseName(text)).toBeUndefined();
});

test.each([
  "",
  ".",
  "a..b",
  "-a.b",
  "a-.b",
  "a b.c",
  "a\0.b",
  "a/b",
  "ü.b",
  `${"a".repeat(64)}.b`,
  `${"a.".repeat(127)}b`,
])("%j is no name", (text) => expect(parseName(text)).toBeUndefined());

const only = (...allowOut: string[]): object => ({ allowOut, denyOut: ["0.0.0.0/0"] });

describe("E2B's rules", () => {
  test("a name, and names under a wildcard but not itself", () => {
    expect(allows(only("a.example"), "a.example", "8.8.8.8")).toBe(true);
    expect(allows(only("A.Example."), "a.example", "8.8.8.8")).toBe(true);
    expect(allows(only("a.example"), "b.a.example", "8.8.8.8")).toBe(false);
    expect(allows(only("*.example"), "b.a.example", "8.8.8.8")).toBe(true);
    expect(allows(only("*.example"), "example", "8.8.8.8")).toBe(false);
    expect(allows(only("*.a.example"), "xa.example", "8.8.8.8")).toBe(false);
    expect(allows(only("bücher.example"), "xn--bcher-kva.example", "8.8.8.8")).toBe(true);
  });
  test("allowing beats denying", () => {
    expect(allows({ allowOut: ["8.8.8.8"], denyOut: ["8.8.0.0/16"] }, undefined, "8.8.8.8")).toBe(
      true,
    );
    expect(allows({ allowOut: ["8.8.8.8"], denyOut: ["8.8.0.0/16"] }, undefined, "8.8.4.4")).toBe(
      false,
    );
    expect(allows(only("8.8.8.8"), undefined, "8.8.8.8")).toBe(true);
    expect(
      allows({ allowOut: ["0.0.0.0/0"], denyOut: ["0.0.0.0/0"] }, "a.example", "8.8.8.8"),
    ).toBe(true);
  });
  test("where all is denied, a name that is not named is refused whatever its address", () => {
    expect(parsePolicy(only("8.8.8.8")).refusesName("dns.example")).toMatch(/not in allowOut/);
  });
  test.each([
    [["0.0.0.0/0"]],
    [["1.2.3.4/0"]],
    [["::/0"]],
    [["::/1"]],
    [["::ffff:0:0/96"]],
    [["::ffff:1.2.3.4/96"]],
    [["64:ff9b::/96"]],
    [["0.0.0.0/1", "128.0.0.0/1"]],
    [["128.0.0.0/1", "::ffff:0:0/97"]],
    [["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/3"]],
  ])("denying everything, written as %j, denies IPv6 and names too", (denyOut) => {
    expect(allows({ denyOut }, undefined, "2606:4700::1111")).toBe(false);
    expect(allows({ denyOut }, undefined, "8.8.8.8")).toBe(false);
    expect(allows({ denyOut }, "b.example", "2606:4700::1111")).toBe(false);
    const named = { allowOut: ["a.example"], denyOut };
    expect(allows(named, "a.example", "2606:4700::1111")).toBe(true);
    expect(parsePolicy(named).refusesName("b.example")).toMatch(/not in allowOut/);
  });
  test("denying all but a hole is not denying everything", () => {
    const denyOut = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"];
    expect(allows({ denyOut }, undefined, "2606:4700::1111")).toBe(true);
  });
  test("only the good addresses of a name are dialled", () => {
    const verdict = parsePolicy(true).decide("a.example", ["10.0.0.1", "8.8.8.8", "::1"]);
    expect(verdict).toMatchObject({ allowed: true, addresses: ["8.8.8.8"] });
  });
  test("off is off", () => {
    expect(allows(false, "a.example", "8.8.8.8")).toBe(false);
    expect(allows(false, undefined, "8.8.8.8")).toBe(false);
  });
});

test.each([
  [{ allowOut: ["a.example"] }, /everything else is denied/],
  [{ allowOut: ["https://a.example"], denyOut: ["0.0.0.0/0"] }, /`https:\/\/a.example`/],
  [{ allowOut: ["a.example:443"], denyOut: ["0.0.0.0/0"] }, /`a.example:443`/],
  [{ allowOut: ["a.*.example"], denyOut: ["0.0.0.0/0"] }, /`a.\*.example`/],
  [{ allowOut: ["10.0.0.0/33"] }, /`10.0.0.0\/33`/],
  [{ allowOut: ["0x7f.1"] }, /`0x7f.1`/],
  [{ denyOut: ["0.0.0.0/00"] }, /denyOut.*`0.0.0.0\/00`/],
  [{ denyOut: ["10.0.0.0/08"] }, /denyOut.*`10.0.0.0\/08`/],
  [{ denyOut: ["a.example"] }, /denyOut.*`a.example`/],
  [{ rules: { "a b": [] } }, /rules.*`a b`/],
])("%j is refused with what is wrong", (network, message) => {
  expect(() => parsePolicy(network)).toThrow(message);
});

test("ranges are read strictly", () => {
  expect(parseRange("10.0.0.0/8")).toMatchObject({ bits: 8 });
  for (const text of [
    "10.0.0.0/",
    "10.0.0.0/08x",
    "10.0.0.0/-1",
    "10/8",
    "::/129",
    "a/8",
    "1.1.1.1/8/8",
  ])
    expect(parseRange(text), text).toBeUndefined();
  expect(specialKind(parseAddress("169.254.169.254")!)).toBe("a link-local address");
});
