import { appendFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";

const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const OWN = "/usr/local/share/ca-certificates/emberbox.crt";
/** OpenSSL finds an authority by the hash of its name, `CN = Emberbox`, which is always the same. */
const BY_HASH = "/etc/ssl/certs/58fb4f87.0";

/** For programs that bring their own authorities. */
export const trustEnvs: Readonly<Record<string, string>> = {
  NODE_EXTRA_CA_CERTS: OWN,
  SSL_CERT_FILE: BUNDLE,
  REQUESTS_CA_BUNDLE: BUNDLE,
  PIP_CERT: BUNDLE,
};

let trusted: string | undefined;

/** Makes the machine's programs trust authorities, given as PEM, one after the other. */
export function trust(authority: string | undefined): void {
  if (authority === undefined || authority === trusted) return;
  mkdirSync("/usr/local/share/ca-certificates", { recursive: true });
  writeFileSync(OWN, authority);
  appendFileSync(BUNDLE, `\n${authority}`);
  if (!existsSync(BY_HASH)) symlinkSync(OWN, BY_HASH);
  trusted = authority;
}
