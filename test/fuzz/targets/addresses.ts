import { BlockList, isIP } from "node:net";
import { parseAddress, specialKind } from "../../../packages/microvm/src/network/addresses.ts";
import { parseName } from "../../../packages/microvm/src/network/hosts.ts";
import { check, type Target } from "../target.ts";

/** Addresses that are nobody's on the public internet, written down again and read by another parser. */
const inner = new BlockList();
for (const [base, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["168.63.129.16", 32],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 3],
] as const) {
  inner.addSubnet(base, bits, "ipv4");
  // Where IPv6 stands for it: mapped, NAT64, 6to4.
  const [a, b, c, d] = base.split(".").map(Number) as [number, number, number, number];
  const low = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  inner.addSubnet(`::ffff:${low}`, 96 + bits, "ipv6");
  inner.addSubnet(`64:ff9b::${low}`, 96 + bits, "ipv6");
  inner.addSubnet(`2002:${low}::`, 16 + bits, "ipv6");
}
inner.addAddress("::", "ipv6");
inner.addAddress("::1", "ipv6");
inner.addSubnet("fc00::", 7, "ipv6");
inner.addSubnet("fe80::", 10, "ipv6");
inner.addSubnet("ff00::", 8, "ipv6");

/** Hosts that a guest asks for, and addresses that a name server answers with. */
export const target: Target = {
  refuses: () => false,
  maxBytes: 300,
  words: [
    "127.0.0.1",
    "::ffff:",
    "64:ff9b::",
    "2002:",
    "0x7f",
    "%1",
    ".",
    ":",
    "[::1]",
    "localhost",
  ],
  run(input) {
    const text = input.toString("latin1");
    const address = parseAddress(text);
    if (address !== undefined && specialKind(address) === undefined) {
      check(isIP(text) !== 0, `${JSON.stringify(text)} is taken for an address`);
      const isInner = inner.check(text, isIP(text) === 4 ? "ipv4" : "ipv6");
      check(!isInner, `${text} is taken for a public address`);
    }
    const name = parseName(text);
    if (name === undefined) return;
    check(
      isIP(name) === 0 && isIP(hostOf(name)) === 0,
      `${name} is a name, and an address to others`,
    );
    check(parseName(name) === name, "a name has two forms");
  },
};

/** What browsers and the like take it for. */
function hostOf(name: string): string {
  try {
    return new URL(`http://${name}/`).hostname;
  } catch {
    return "";
  }
}
