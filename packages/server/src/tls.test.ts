import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { ownCertificate } from "./tls.ts";

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("a certificate is made once, for all names of the domain, and its key is private", () => {
  const directory = temporary();
  const made = ownCertificate(directory, "sbx.localhost", "127.0.0.1");
  const certificate = new X509Certificate(made.cert);
  for (const host of ["sbx.localhost", "3000-iabc.sbx.localhost", "localhost"])
    expect(certificate.checkHost(host), host).toBeTruthy();
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(certificate.checkHost("a.b.sbx.localhost")).toBeUndefined();
  expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 300 * 24 * 3600 * 1000);
  expect(statSync(join(directory, "tls", "sbx.localhost.key")).mode & 0o077).toBe(0);
  expect(ownCertificate(directory, "sbx.localhost", "127.0.0.1").cert).toBe(made.cert);
  expect(ownCertificate(directory, "other.localhost", "127.0.0.1").cert).not.toBe(made.cert);
});

test("it is made anew for an address that it is not for, and where what was kept is no good", () => {
  const directory = temporary();
  const made = ownCertificate(directory, "sbx.localhost", "127.0.0.1");
  const other = ownCertificate(directory, "sbx.localhost", "10.1.2.3");
  expect(new X509Certificate(made.cert).checkIP("10.1.2.3")).toBeUndefined();
  expect(new X509Certificate(other.cert).checkIP("10.1.2.3")).toBe("10.1.2.3");
  writeFileSync(other.file, made.authority);
  expect(ownCertificate(directory, "sbx.localhost", "10.1.2.3").cert).not.toBe(other.cert);
});

test("an authority vouches for it, which clients trust alone or beside all others", () => {
  const { cert, authority, file, bundle } = ownCertificate(temporary(), "sbx.localhost", "::1");
  const [certificate, issuer] = [new X509Certificate(cert), new X509Certificate(authority)];
  expect([certificate.ca, issuer.ca]).toEqual([false, true]);
  expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(authority);
  const all = readFileSync(bundle, "utf8");
  for (const each of [authority, rootCertificates[0]!, rootCertificates.at(-1)!])
    expect(all).toContain(each);
});
