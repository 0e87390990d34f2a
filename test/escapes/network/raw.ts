import type { Attempt } from "../attempt.ts";
import type { Raw } from "../world.ts";
import { GATEWAY } from "./by.ts";

const raw = (id: string, tries: string, seen: (raw: Raw) => string, refused: RegExp): Attempt => ({
  id: `net.${id}`,
  tries,
  refusedBy: GATEWAY,
  run: async ({ outside }) => {
    const told = await (await outside()).raw();
    const { decisions } = told;
    const delivered = decisions.length > 0 ? `the gateway decided ${decisions.length} times` : "";
    return { delivered, seen: seen(told) };
  },
  refused,
});
const of =
  (...hosts: string[]) =>
  (told: Raw): string =>
    hosts
      .map((host) => told.decisions.find((each) => each.includes(` ${host}: `)) ?? "nothing")
      .join(" ");
const refusals = (...reasons: string[]): RegExp =>
  new RegExp(`^(?![^]*(nothing|allowed))${reasons.map((reason) => `[^]*${reason}`).join("")}`);

/** By an agent that root has taken over, which may ask the gateway for anything. */
export const asked: readonly Attempt[] = [
  raw(
    "raw-loopback",
    "ask the gateway itself for the host",
    of("127.0.0.1", "0.0.0.0"),
    refusals("a loopback address", "an unspecified address"),
  ),
  raw(
    "raw-notations",
    "in notations that C libraries read",
    of("127.1", "0x7f.1", "0177.0.0.1", "2130706433"),
    refusals("is not a host", "is not a host", "is not a host", "is not a host"),
  ),
  raw(
    "raw-ipv6",
    "by IPv6",
    of("::1", "::", "fd00::1"),
    refusals("a loopback address", "an unspecified address", "a private address"),
  ),
  raw(
    "raw-mapped",
    "by IPv4 in IPv6",
    of("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    refusals("a loopback address", "a private address", "a loopback address", "a reserved address"),
  ),
  raw(
    "raw-brackets",
    "in brackets, or with a zone",
    of("[::1]", "fe80::1%lo"),
    refusals("is not a host", "is not a host"),
  ),
  raw(
    "raw-ranges",
    "for other addresses that are not public",
    of("224.0.0.1", "100.64.0.1", "169.254.169.254", "192.0.2.1"),
    refusals(
      "a multicast address",
      "a carrier's internal address",
      "a link-local address",
      "a reserved address",
    ),
  ),
  raw(
    "raw-public-ipv6",
    "for a public address of IPv6 where all of IPv4 is denied",
    of("2606:4700:4700::1111"),
    refusals("not in allowOut|in denyOut"),
  ),
  raw(
    "raw-names",
    "for names that are none",
    of("api.test?.public", "api.test??x", "a b"),
    refusals("is not a host", "is not a host", "is not a host"),
  ),
  raw(
    "raw-localhost",
    "for localhost, which the name server says is the host",
    of("localhost"),
    refusals("a loopback address"),
  ),
  raw(
    "dns-volume",
    "carry data out by many names",
    ({ asked: count, decisions }) =>
      `${count < 1200 ? "few" : count} were asked for, ${decisions.some((each) => each.includes("too much was asked for at once"))}`,
    /^few were asked for, true$/,
  ),
  raw(
    "slow-loris",
    "hold hundreds of connections that never say what they are",
    ({ held, bystander }) =>
      `${held > 0 && held <= 512 ? "no more than 512" : held} held, neighbour ${bystander}`,
    /^no more than 512 held, neighbour unharmed$/,
  ),
];
