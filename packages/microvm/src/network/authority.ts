import { createSecureContext, type SecureContext } from "node:tls";
import { isIP } from "node:net";

/** Makes certificates that one sandbox trusts. Its key never leaves this process. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  contextFor(host: string): Promise<SecureContext>;
}

const MAX_HOSTS = 256;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Longer than a sandbox lives; within what clients accept. */
const LIFETIME_MS = 90 * DAY_MS;
/** The guest knows its hash: see `trust.ts` there. */
const NAME = [{ name: "commonName", value: "Emberbox" }];

const dates = (): object => ({
  notBeforeDate: new Date(Date.now() - DAY_MS),
  notAfterDate: new Date(Date.now() + LIFETIME_MS),
});

export async function createAuthority(): Promise<Authority> {
  // Loaded by those who need it: it takes as long as restoring a sandbox.
  const { generate } = await import("selfsigned");
  const own = await generate(NAME, {
    ...dates(),
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const contexts: Map<string, Promise<SecureContext>> = new Map();
  const make = async (host: string): Promise<SecureContext> => {
    const { cert, private: key } = await generate(
      [{ name: "commonName", value: host.slice(0, 64) }],
      {
        ...dates(),
        keyType: "ec",
        algorithm: "sha256",
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: "basicConstraints", cA: false, critical: true },
          { name: "keyUsage", digitalSignature: true, critical: true },
          { name: "extKeyUsage", serverAuth: true },
          {
            name: "subjectAltName",
            altNames: [isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }],
          },
        ],
      },
    );
    return createSecureContext({ key, cert });
  };
  return {
    certificate: own.cert,
    contextFor(host) {
      const known = contexts.get(host);
      if (known) return known;
      if (contexts.size >= MAX_HOSTS) contexts.delete(contexts.keys().next().value!);
      const made = make(host);
      contexts.set(host, made);
      return made;
    },
  };
}
