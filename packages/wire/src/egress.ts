/** The host's first byte on a stream that the guest opened to the outside. With port 0 it is all there is. */
export const egressAnswers = {
  /** The connection is there; with port 0, the name. */
  connected: 0,
  /** The policy refuses it. */
  refused: 1,
  /** The policy refuses it; with port 0: connections to the name's ports 80 and 443 get an answer that says so. */
  explained: 2,
  notFound: 3,
  unreachable: 4,
} as const;

/** The guest's port that hears of a change of the network, as JSON. No program in the sandbox reaches it. */
export const NETWORK_PORT = 0;

/** What the guest knows of its network, to refuse at once what the host would refuse. */
export interface GuestNetwork {
  readonly isOff: boolean;
  /** IPv4 ranges, beside those that are not public. */
  readonly refused: readonly string[];
  /** IPv4 ranges that are reached though they are refused otherwise. */
  readonly allowed: readonly string[];
  /** PEM of the authority to trust: the host ends some TLS connections with its certificates. */
  readonly authority: string | undefined;
}
