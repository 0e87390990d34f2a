import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ownCertificate } from "./tls.ts";

test("a certificate is made once, for all names of the domain, and its key is private", async () => {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const made = await ownCertificate(directory, "sbx.localhost");
  const certificate = new X509Certificate(made.cert);
  for (const host of ["sbx.localhost", "3000-iabc.sbx.localhost", "localhost"])
    expect(certificate.checkHost(host), host).toBeTruthy();
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(certificate.checkHost("a.b.sbx.localhost")).toBeUndefined();
  expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 300 * 24 * 3600 * 1000);
  expect(statSync(join(directory, "tls", "sbx.localhost.key")).mode & 0o077).toBe(0);
  expect((await ownCertificate(directory, "sbx.localhost")).cert).toBe(made.cert);
  expect((await ownCertificate(directory, "other.localhost")).cert).not.toBe(made.cert);
});
