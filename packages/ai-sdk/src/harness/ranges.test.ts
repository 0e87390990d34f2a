import { expect, test } from "vitest";
import { isSpecial, without } from "./ranges.ts";

test.each([
  [["10.0.0.0/8"], ["11.0.0.0/8"], ["10.0.0.0/8"]],
  [["10.0.0.0/8"], ["10.0.0.0/8"], []],
  [["10.1.0.0/16"], ["10.0.0.0/8"], []],
  [["10.0.0.0/30"], ["10.0.0.1"], ["10.0.0.0/32", "10.0.0.2/31"]],
  [["8.8.8.8"], ["8.8.4.4/32"], ["8.8.8.8/32"]],
  // Whatever bits are beyond the prefix mean nothing.
  [["10.255.255.255/8"], ["10.128.0.0/9"], ["10.0.0.0/9"]],
  [
    ["0.0.0.0/1", "2001:db8::/32"],
    ["64.0.0.0/2", "2001:db8:8000::/33"],
    ["0.0.0.0/2", "2001:db8:0:0:0:0:0:0/33"],
  ],
  [
    ["fd00::/126"],
    ["fd00::2", "fd00::1.0.0.0"],
    ["fd00:0:0:0:0:0:0:0/127", "fd00:0:0:0:0:0:0:3/128"],
  ],
])("%j without %j is %j", (ranges, denied, left) => {
  expect(without(ranges, denied)).toEqual(left);
});

test("what is left covers all that is not denied, and nothing else", () => {
  const left = without(["192.168.0.0/16"], ["192.168.7.0/24", "192.168.200.13"]);
  const sizes = left.map((range) => 2 ** (32 - Number(range.split("/")[1])));
  expect(sizes.reduce((sum, size) => sum + size)).toBe(2 ** 16 - 2 ** 8 - 1);
});

test.each([
  "10.0.0.0/33",
  "10.0.0/8",
  "fe80::1%eth0",
  "10.0.0.0/8/8",
  "10.0.0.0/ 8",
  "a.example",
  "",
])("%j is no range", (text) => {
  expect(() => without(["10.0.0.0/8"], [text])).toThrow("Expected a CIDR range");
});

test.each(["::/0", "::ffff:10.0.0.0/104", "64:ff9b::1"])("%s holds IPv4 addresses", (text) => {
  expect(() => without(["10.0.0.0/8"], [text])).toThrow("write those as IPv4");
});

test("special is what is not on the public internet", () => {
  for (const range of ["10.1.0.0/16", "169.254.169.254", "::1", "fe80::1/64", "127.0.0.0/8"])
    expect(isSpecial(range), range).toBe(true);
  for (const range of ["8.8.8.8", "10.0.0.0/7", "0.0.0.0/0", "2001:4860::/32", "::/0"])
    expect(isSpecial(range), range).toBe(false);
});
