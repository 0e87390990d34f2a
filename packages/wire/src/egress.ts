/** The host's first byte on a stream that the guest opened to the outside. With port 0 there is nothing more. */
export const egressAnswers = {
  /** The connection is open; with port 0, the name exists. */
  connected: 0,
  /** The policy refuses it. */
  refused: 1,
  /** The policy refuses it; with port 0: connections to the name's ports 80 and 443 get an answer that says so. */
  explained: 2,
  notFound: 3,
  unreachable: 4,
} as const;

/** The guest's port that receives changes of the network, as JSON. No program in the sandbox can reach it. */
export const NETWORK_PORT = 0;

/** What the guest knows of its network, in order to refuse at once what the host would refuse. */
export interface GuestNetwork {
  /** Nothing outside may be reached. */
  readonly isOff: boolean;
  /** IPv4 ranges, besides those that are not public. */
  readonly refused: readonly string[];
  /** IPv4 ranges that may be reached although they are refused otherwise. */
  readonly allowed: readonly string[];
  /** PEM of authorities to trust: the host terminates some TLS connections with certificates of one of its own. */
  readonly authority: string | undefined;
}
