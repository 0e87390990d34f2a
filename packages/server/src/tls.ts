import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** The file to trust it by, if it was made here. */
  readonly file?: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFETIME_DAYS = 365;
/** A certificate that expires sooner is replaced. */
const LEFT_DAYS = 30;

/** A certificate for a domain and all names below it, made once and kept where only its owner can read it. */
export async function ownCertificate(directory: string, domain: string): Promise<Certificate> {
  const folder = join(directory, "tls");
  const file = join(folder, `${domain}.pem`);
  const keyFile = join(folder, `${domain}.key`);
  if (existsSync(file) && existsSync(keyFile)) {
    const kept = { cert: readFileSync(file, "utf8"), key: readFileSync(keyFile, "utf8"), file };
    if (isGood(kept)) return kept;
  }
  const made = await make(domain);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(keyFile, made.private, 0o600);
  writeWhole(file, made.cert, 0o644);
  return { cert: made.cert, key: made.private, file };
}

function isGood({ cert, key }: { cert: string; key: string }): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const left = Date.parse(certificate.validTo) - Date.now();
    return left > LEFT_DAYS * DAY_MS && key.includes("PRIVATE KEY");
  } catch {
    return false;
  }
}

function make(domain: string): Promise<{ private: string; cert: string }> {
  const names = [domain, `*.${domain}`, "localhost"].map((value) => ({ type: 2 as const, value }));
  return generate([{ name: "commonName", value: domain }], {
    keyType: "ec",
    notAfterDate: new Date(Date.now() + LIFETIME_DAYS * DAY_MS),
    extensions: [
      // It vouches for itself: clients trust it through the file.
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [...names, { type: 7, ip: "127.0.0.1" }] },
    ],
  });
}

function writeWhole(path: string, text: string, mode: number): void {
  const making = `${path}.${process.pid}`;
  writeFileSync(making, text, { mode });
  renameSync(making, path);
}
