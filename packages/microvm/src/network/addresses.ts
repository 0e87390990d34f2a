import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

export interface Range {
  readonly base: Address;
  readonly bits: number;
}

const NAT64 = ipaddr.IPv6.parse("64:ff9b::");
const GLOBAL_IPV6 = ipaddr.IPv6.parse("2000::");
const MAPPED = ipaddr.IPv6.parse("::ffff:0:0");
/** Public addresses at which a cloud's machine reaches services that trust it: metadata, keys, mirrors. */
const CLOUD_SERVICES: readonly Range[] = [
  range4("168.63.129.16", 32), // Azure
  range4("161.26.0.0", 16), // IBM
  range4("166.8.0.0", 14), // IBM
];
/** Interface identifiers of ISATAP, which carries IPv6 to the IPv4 address that follows. */
const ISATAP: ReadonlySet<number> = new Set([0x0000_5efe, 0x0200_5efe]);

/** Parses an address in the usual notation only. An IPv6 address that stands for an IPv4 one gives that. */
export function parseAddress(text: string): Address | undefined {
  // ipaddr.js also reads octal, hexadecimal and short forms, and zones.
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  return unwrap(ipaddr.parse(text));
}

function unwrap(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(NAT64, 96)) return new ipaddr.IPv4(address.toByteArray().slice(12));
  return address;
}

function range4(base: string, bits: number): Range {
  return { base: ipaddr.IPv4.parse(base), bits };
}

/** Parses an address, or a range in CIDR notation; its number of bits can be written in one way only. */
export function parseRange(text: string): Range | undefined {
  const [head = "", bits, ...more] = text.split("/");
  if (isIP(head) === 0 || head.includes("%") || more.length > 0) return undefined;
  const written = ipaddr.parse(head);
  const width = written instanceof ipaddr.IPv4 ? 32 : 128;
  if (bits !== undefined && !(/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= width))
    return undefined;
  const given = bits === undefined ? width : Number(bits);
  const base = unwrap(written);
  const isShorter = width === 128 && base instanceof ipaddr.IPv4;
  if (isShorter && given >= 96) return firstOf(base, given - 96);
  return firstOf(isShorter ? written : base, given);
}

function firstOf(base: Address, bits: number): Range {
  return { base: edgesOf({ base, bits })[0], bits };
}

/** The first and the last address of a range. */
function edgesOf({ base, bits }: Range): [Address, Address] {
  const bytes = base.toByteArray();
  const free = bytes.map((_byte, index) => 0xff >> Math.min(8, Math.max(0, bits - index * 8)));
  return [
    ipaddr.fromByteArray(bytes.map((byte, index) => byte & ~free[index]! & 0xff)),
    ipaddr.fromByteArray(bytes.map((byte, index) => byte | free[index]!)),
  ];
}

export function contains(range: Range, address: Address): boolean {
  return range.base.kind() === address.kind() && address.match([range.base, range.bits] as never);
}

/** True when every address of `narrow` is in `wide`. */
export function includes(wide: Range, narrow: Range): boolean {
  return wide.bits <= narrow.bits && contains(wide, narrow.base);
}

export function overlap(one: Range, other: Range): boolean {
  return includes(one, other) || includes(other, one);
}

/** True when every IPv4 address is in one of the ranges, however they are cut and written. */
export function coverEverything(ranges: readonly Range[]): boolean {
  // `::/0`, and whatever else includes IPv4's place in IPv6.
  const mapped = { base: MAPPED, bits: 96 };
  if (ranges.some((range) => range.base.kind() === "ipv6" && includes(range, mapped))) return true;
  const spans = ranges
    .filter(({ base }) => base.kind() === "ipv4")
    .map((range) => edgesOf(range).map(numberOf) as [number, number])
    .toSorted(([one], [other]) => one - other);
  let next = 0;
  for (const [first, last] of spans) if (first <= next) next = Math.max(next, last + 1);
  return next === 2 ** 32;
}

const numberOf = (address: Address): number =>
  address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);

/** What an address is when it is not on the public internet, such as "a private address"; `undefined` when it is. */
export function specialKind(address: Address): string | undefined {
  const range = address.range();
  const isPublic =
    range === "unicast" && (address instanceof ipaddr.IPv4 || address.match(GLOBAL_IPV6, 3));
  if (!isPublic) return names[range] ?? "a reserved address";
  if (CLOUD_SERVICES.some((each) => contains(each, address)))
    return "an address of a cloud's own services";
  if (address instanceof ipaddr.IPv6 && isIsatap(address)) return "a tunnel's address";
  const text = address.toString();
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const isOwn = own.some((each) => parseAddress(each.address.split("%")[0]!)?.toString() === text);
  return isOwn ? "an address of this machine" : undefined;
}

const names: Readonly<Record<string, string>> = {
  private: "a private address",
  uniqueLocal: "a private address",
  loopback: "a loopback address",
  linkLocal: "a link-local address",
  multicast: "a multicast address",
  carrierGradeNat: "a carrier's internal address",
  unspecified: "an unspecified address",
};

function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return ISATAP.has(parts[4]! * 0x1_0000 + parts[5]!);
}

/** True when all of a range is special, and in the same way: so a policy entry that holds it means it. */
export function isSpecialRange(range: Range): boolean {
  const [low, high] = edgesOf(range);
  if (low.range() !== high.range()) return false;
  const isOne = low.toString() === high.toString();
  return isOne || (specialKind(low) !== undefined && specialKind(low) === specialKind(high));
}
