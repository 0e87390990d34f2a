import { isIP } from "node:net";
import { EmberboxError } from "@emberbox/core";

/** Addresses with the same first bits. */
interface Range {
  readonly width: 32 | 128;
  readonly base: bigint;
  readonly bits: number;
}

/** Every IPv4 address, and what such an entry stands for: every address on the internet. */
export const EVERYTHING = "0.0.0.0/0";

/** What no sandbox reaches by a name: addresses that are not on the public internet. */
const SPECIAL = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"],
  ...["172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::1/128", "fc00::/7", "fe80::/10", "ff00::/8"],
].map(parseRange);

/** IPv6 addresses that stand for IPv4 ones. */
const EMBEDDED = ["::ffff:0:0/96", "64:ff9b::/96"].map(parseRange);

/** True when none of the range's addresses is on the public internet. */
export function isSpecial(text: string): boolean {
  const range = parseRange(text);
  return SPECIAL.some((each) => includes(each, range));
}

/** The ranges without what is in others, as ranges. @throws `invalid_argument` for what is not a range */
export function without(ranges: readonly string[], denied: readonly string[]): string[] {
  const holes = denied.map(parseOne);
  const rest = holes.reduce(
    (left, hole) => left.flatMap((range) => cut(range, hole)),
    ranges.map(parseOne),
  );
  return rest.map(write);
}

/** What is left of a range without a hole: the halves beside it, from the largest to the smallest. */
function cut(range: Range, hole: Range): Range[] {
  if (includes(hole, range)) return [];
  if (!includes(range, hole)) return [range];
  const half = { ...range, bits: range.bits + 1 };
  const size = 1n << BigInt(range.width - half.bits);
  return [half, { ...half, base: half.base + size }].flatMap((each) => cut(each, hole));
}

function includes(wide: Range, narrow: Range): boolean {
  if (wide.width !== narrow.width || wide.bits > narrow.bits) return false;
  const free = BigInt(wide.width - wide.bits);
  return wide.base >> free === narrow.base >> free;
}

function parseOne(text: string): Range {
  const range = parseRange(text);
  if (!EMBEDDED.some((each) => includes(each, range) || includes(range, each))) return range;
  throw new EmberboxError(
    "unsupported",
    `\`${text}\` holds IPv6 addresses that stand for IPv4 ones; write those as IPv4`,
  );
}

function parseRange(text: string): Range {
  const [head = "", given, ...more] = text.split("/");
  const family = isIP(head);
  const width = family === 4 ? 32 : 128;
  const bits = given === undefined ? width : /^\d{1,3}$/.test(given) ? Number(given) : 129;
  if (family === 0 || head.includes("%") || bits > width || more.length > 0) {
    throw new EmberboxError(
      "invalid_argument",
      `Expected a CIDR range, got \`${text.slice(0, 100)}\``,
    );
  }
  const free = BigInt(width - bits);
  const address = family === 4 ? parse4(head) : parse6(head);
  return { width, base: (address >> free) << free, bits };
}

function parse4(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

function parse6(text: string): bigint {
  // The last 32 bits may be written as an IPv4 address.
  const hex = text.replace(/[^:]*\..*$/, (tail) => {
    const value = parse4(tail);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = "", tail] = hex.split("::");
  const zeros = 8 - groupsOf(head).length - groupsOf(tail).length;
  const all = [...groupsOf(head), ...Array<string>(zeros).fill("0"), ...groupsOf(tail)];
  return all.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

function groupsOf(part: string = ""): string[] {
  return part.split(":").filter((group) => group !== "");
}

function write({ width, base, bits }: Range): string {
  const size = width === 32 ? 8n : 16n;
  const count = width === 32 ? 4 : 8;
  const parts = Array.from({ length: count }, (_, index) => {
    const part = (base >> (size * BigInt(count - 1 - index))) & ((1n << size) - 1n);
    return part.toString(width === 32 ? 10 : 16);
  });
  return `${parts.join(width === 32 ? "." : ":")}/${bits}`;
}
