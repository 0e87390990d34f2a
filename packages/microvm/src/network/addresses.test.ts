import { NOT_PUBLIC } from "@emberbox/wire";
import { expect, test } from "vitest";
import { parseAddress, parseRange, specialKind } from "./addresses.ts";

test.each(NOT_PUBLIC)("%s, which is refused inside already, is not public here either", (range) => {
  const { base, bits } = parseRange(range)!;
  const first = base.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
  for (const address of [first, first + 1, first + 2 ** (32 - bits) - 1]) {
    const bytes = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    expect(specialKind(parseAddress(bytes.join("."))!), bytes.join(".")).not.toBe(undefined);
  }
});
