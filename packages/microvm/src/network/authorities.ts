import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { EmberboxError } from "@emberbox/core";

const VARIABLE = "EMBERBOX_CA_CERTS";
/** All sandboxes are told of them, each time that one is created. */
const MAX_CERTIFICATES = 256;

/**
 * The authorities of the file that `EMBERBOX_CA_CERTS` names, as PEM; none without it. What every system trusts is left
 * out, so that the file may be the system's own list. @throws `invalid_argument`
 */
export function authoritiesOf(environment: NodeJS.ProcessEnv = process.env): string[] {
  const path = environment[VARIABLE];
  if (!path) return [];
  const usual = new Set(rootCertificates.map(withoutSpace));
  const found = certificatesIn(path).filter((pem) => !usual.has(withoutSpace(pem)));
  if (found.length > MAX_CERTIFICATES)
    throw refused(`${path} has ${found.length} certificates of its own; up to ${MAX_CERTIFICATES}`);
  return found;
}

function certificatesIn(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    throw refused(`${path} cannot be read (${(error as Error).message})`, error);
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (!found) throw refused(`${path} has no certificate as PEM`);
  return found.map((pem, index) => {
    try {
      return new X509Certificate(pem).toString();
    } catch (error) {
      throw refused(`certificate ${index + 1} of ${path} cannot be read`, error);
    }
  });
}

const withoutSpace = (pem: string): string => pem.replaceAll(/\s/g, "");

function refused(why: string, cause?: unknown): EmberboxError {
  return new EmberboxError("invalid_argument", `${VARIABLE}: ${why}`, { cause });
}
