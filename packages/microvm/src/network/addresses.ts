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

/** An address in the usual notation only; the IPv4 address where an IPv6 one stands for it. */
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

/** An address, or a range in CIDR notation. */
export function parseRange(text: string): Range | undefined {
  const [head = "", bits, ...more] = text.split("/");
  if (isIP(head) === 0 || head.includes("%") || more.length > 0) return undefined;
  const written = ipaddr.parse(head);
  const width = written instanceof ipaddr.IPv4 ? 32 : 128;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= width)) return undefined;
  const given = bits === undefined ? width : Number(bits);
  const base = unwrap(written);
  const isShorter = width === 128 && base instanceof ipaddr.IPv4;
  if (isShorter && given < 96) return { base: written, bits: given };
  return { base, bits: isShorter ? given - 96 : given };
}

export function contains(range: Range, address: Address): boolean {
  return range.base.kind() === address.kind() && address.match([range.base, range.bits] as never);
}

/** What an address is when it is not of the public internet: "a private address". */
export function specialKind(address: Address): string | undefined {
  const range = address.range();
  const isPublic =
    range === "unicast" && (address instanceof ipaddr.IPv4 || address.match(GLOBAL_IPV6, 3));
  if (!isPublic) return names[range] ?? "a reserved address";
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

/** True when all of a range is special, and in the same way: so an entry that holds it means it. */
export function isSpecialRange({ base, bits }: Range): boolean {
  const bytes = base.toByteArray();
  const last = bytes.map((byte, index) => {
    const fixed = Math.min(8, Math.max(0, bits - index * 8));
    return byte | (0xff >> fixed);
  });
  const first = bytes.map((byte, index) => {
    const fixed = Math.min(8, Math.max(0, bits - index * 8));
    return byte & ~(0xff >> fixed) & 0xff;
  });
  const [low, high] = [ipaddr.fromByteArray(first), ipaddr.fromByteArray(last)];
  if (low.range() !== high.range()) return false;
  return bits === bytes.length * 8 || specialKind(low) !== undefined;
}
