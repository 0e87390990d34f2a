import { generateKeyPairSync } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { writeCertificate } from "@emberbox/ingress";

/** Makes certificates that one sandbox trusts. Its keys never leave this process. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** The context for a name; `undefined` where a new certificate is needed and may not be made. */
  contextFor(host: string, mayMake: () => boolean): SecureContext | undefined;
}

const MAX_HOSTS = 256;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Longer than a sandbox lives; within what clients accept. */
const LIFETIME_MS = 90 * DAY_MS;
/** The guest has its hash: see `trust.ts` there. */
const NAME = "Emberbox";

export function createAuthority(): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = { name: NAME, publicKey: own.publicKey, key: own.privateKey };
  // One key for all of its certificates: what they protect stays on this machine.
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const dates = {
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + LIFETIME_MS),
  };
  const contexts: Map<string, SecureContext> = new Map();
  return {
    certificate: writeCertificate({
      ...{ name: NAME, publicKey: own.publicKey, issuer, isAuthority: true, ...dates },
    }),
    contextFor(host, mayMake) {
      const known = contexts.get(host);
      if (known || !mayMake()) return known;
      if (contexts.size >= MAX_HOSTS) contexts.delete(contexts.keys().next().value!);
      const cert = writeCertificate({
        name: host,
        publicKey,
        issuer,
        isAuthority: false,
        ...dates,
      });
      const context = createSecureContext({ key, cert });
      contexts.set(host, context);
      return context;
    },
  };
}
