/** The machine's own address; it has no network card. */
export const MACHINE_ADDRESS = "198.18.0.1";
/** Where the agent takes connections to the outside, on the machine's loopback. */
export const CAPTURE_PORT = 3129;
/** Addresses that stand for names that may be reached, and for those that may not: 198.18.0.0/15, RFC 2544. */
export const NAME_RANGES = { reached: "198.18.0.0/16", refused: "198.19.0.0/16" } as const;
/**
 * IPv4 ranges that are never public (IANA's registry of special-purpose addresses): connections to them are already
 * refused inside.
 */
export const NOT_PUBLIC: readonly string[] = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24"],
  "224.0.0.0/3",
];
