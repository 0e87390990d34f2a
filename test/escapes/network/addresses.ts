import type { Attempt } from "../attempt.ts";
import { because, by, python } from "./by.ts";

const open = (id: string, tries: string, url: string, reason: string): Attempt =>
  by(
    "open",
    id,
    tries,
    `curl -gsS -m 20 '${url}' 2>&1`.replaceAll("$OWN", `'$OWN'`),
    because(reason),
  );
/** Addresses in every notation, and names that turn out to be such addresses. */
export const addresses: readonly Attempt[] = [
  open("private", "reach a private address", "http://10.0.0.1/", "10.0.0.1 is a private address"),
  open("private-172", "reach another", "http://172.16.0.1/", "172.16.0.1 is a private address"),
  open("private-192", "reach a third", "http://192.168.0.1/", "192.168.0.1 is a private address"),
  open("decimal", "write it in decimal", "http://167772161/", "10.0.0.1 is a private"),
  open("octal", "write it in octal", "http://012.0.0.1/", "10.0.0.1 is a private"),
  open("hexadecimal", "write it in hexadecimal", "http://0xa.0.0.0x1/", "10.0.0.1 is a private"),
  open("short", "leave parts of it out", "http://10.1/", "10.0.0.1 is a private"),
  open("mapped", "write it as IPv6", "http://[::ffff:10.0.0.1]/", "10.0.0.1 is a private|connect"),
  open("ipv6", "reach a private address of IPv6", "http://[fd00::1]/", "connect"),
  open(
    "metadata",
    "reach the metadata service",
    "http://169.254.169.254/",
    "is a link-local address",
  ),
  open(
    "azure",
    "reach a cloud's services at an address that looks public",
    "http://168.63.129.16/",
    "is an address of a cloud's own services",
  ),
  open("metadata-name", "reach it by a name", "http://metadata.test/", "is a link-local address"),
  open(
    "carrier",
    "reach a carrier's inside",
    "http://100.64.0.1/",
    "is a carrier's internal address",
  ),
  open(
    "multicast",
    "reach a multicast address",
    "http://224.0.0.251/",
    "is a multicast address|connect",
  ),
  open("broadcast", "reach the broadcast address", "http://255.255.255.255/", "reserved|connect"),
  open(
    "stand-in",
    "use an address that stands for no name",
    "http://198.18.99.99/",
    "connect|reset",
  ),
  open("name", "have a name mean the host", "http://loopback.test:$OWN/", "is a loopback address"),
  open(
    "name-private",
    "have a name mean a private address",
    "http://private.test/",
    "is a private",
  ),
  open("name-unspecified", "have it mean 0.0.0.0", "http://unspecified.test:$OWN/", "is an unspec"),
  open(
    "name-chain",
    "hide that behind aliases",
    "http://chain.test:$OWN/",
    "is a loopback address",
  ),
  open("name-ipv6", "have a name mean the host by IPv6", "http://six.test:$OWN/", "is a loopback"),
  open("name-mapped", "have it mean IPv4 in IPv6", "http://mapped.test:$OWN/", "is a loopback"),
  open("name-nat64", "have it translated to IPv4", "http://nat64.test:$OWN/", "is a loopback"),
  open("name-6to4", "have it carried over IPv4", "http://6to4.test:$OWN/", "is a reserved address"),
  open(
    "localhost",
    "have the name server say what localhost is",
    "http://localhost.:$OWN/",
    "connect",
  ),
  by(
    "open",
    "rebinding",
    "change a name's address once it was found good",
    "getent hosts rebind.test; sleep 6; curl -sS -m 20 http://rebind.test:$OWN/ 2>&1",
    because("rebind.test: 127.0.0.1 is a loopback address"),
  ),
  by(
    "open",
    "udp",
    "send by another protocol than TCP",
    python(
      "for to in [('8.8.8.8', 53), ('8.8.8.8', 443), ('10.0.0.1', 123)]:\n  s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5)\n  try: s.connect(to); s.send(b'x'); print('GOT', s.recv(9))\n  except OSError as error: print(type(error).__name__)",
    ),
    /^(PermissionError\s*){3}$/,
  ),
  by(
    "open",
    "no-rules",
    "take away the rules by which the guest takes connections",
    "nft list ruleset > /tmp/rules; nft flush ruleset; curl -sS -m 20 http://127.0.0.9:$WEB/ http://8.8.8.8:$OWN/ 2>&1; nft -f /tmp/rules; nft flush set inet emberbox refused",
    /^(?![^]*GOT)[^]*connect/,
  ),
];
