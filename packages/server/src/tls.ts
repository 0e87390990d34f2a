import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP, isIPv6 } from "node:net";
import { join } from "node:path";
import * as tls from "node:tls";
import { writeCertificate } from "@emberbox/ingress";

/** A server's certificate and its private key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** One that was made here, and what clients trust it by. */
export interface OwnCertificate extends Certificate {
  /** PEM of the authority that signed it. */
  readonly authority: string;
  /** A file with that authority. */
  readonly file: string;
  /** A file with that authority and all that this machine trusts. */
  readonly bundle: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFETIME_DAYS = 365;
/** A certificate that expires sooner is replaced. */
const LEFT_DAYS = 30;

/**
 * A certificate for a domain, all names below it and the address that is listened on, made once and kept where only its
 * owner can read it. It has an authority of its own, which signs nothing else: not all clients accept a certificate that
 * vouches for itself.
 */
export function ownCertificate(directory: string, domain: string, address: string): OwnCertificate {
  const folder = join(directory, "tls");
  const name = (suffix: string): string => join(folder, `${domain}.${suffix}`);
  const [file, bundle] = [name("pem"), name("bundle.pem")];
  const hosts = new Set([domain, `*.${domain}`, "localhost", "127.0.0.1"]);
  if (!isIPv6(address)) hosts.add(address);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let made = readKept(file, name("crt"), name("key"));
  if (made === undefined || !isGood(made, [...hosts])) {
    made = make(domain, [...hosts]);
    writeWhole(name("key"), made.key, 0o600);
    writeWhole(name("crt"), made.cert, 0o644);
    writeWhole(file, made.authority, 0o644);
  }
  writeWhole(bundle, [...trusted(), made.authority].join("\n"), 0o644);
  return { ...made, file, bundle };
}

type Made = Pick<OwnCertificate, "cert" | "key" | "authority">;

function readKept(file: string, certFile: string, keyFile: string): Made | undefined {
  try {
    const [authority, cert, key] = [file, certFile, keyFile].map((path) =>
      readFileSync(path, "utf8"),
    );
    return { authority: authority!, cert: cert!, key: key! };
  } catch {
    return undefined;
  }
}

function isGood({ cert, key, authority }: Made, hosts: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const left = Date.parse(certificate.validTo) - Date.now();
    return (
      left > LEFT_DAYS * DAY_MS &&
      key.includes("PRIVATE KEY") &&
      certificate.verify(new X509Certificate(authority).publicKey) &&
      hosts.every((host) => isFor(certificate, host.replace("*", "any")))
    );
  } catch {
    return false;
  }
}

function isFor(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}

function make(domain: string, hosts: readonly string[]): Made {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = `Emberbox for ${domain}`;
  const issuer = { name, publicKey: own.publicKey, key: own.privateKey };
  const dates = {
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + LIFETIME_DAYS * DAY_MS),
  };
  return {
    authority: writeCertificate({
      ...{ name, publicKey: own.publicKey, issuer, isAuthority: true, ...dates },
    }),
    cert: writeCertificate({
      ...{ name: domain, hosts, publicKey, issuer, isAuthority: false, ...dates },
    }),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

/** The authorities that programs on this machine trust; older releases of Node know only those that it brings. */
function trusted(): readonly string[] {
  const system = (tls as Partial<typeof tls>).getCACertificates?.("system") ?? [];
  return [...new Set([...tls.rootCertificates, ...system])];
}

function writeWhole(path: string, text: string, mode: number): void {
  const making = `${path}.${process.pid}`;
  writeFileSync(making, text, { mode });
  renameSync(making, path);
}
