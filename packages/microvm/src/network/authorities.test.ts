import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, expect, test } from "vitest";
import { authoritiesOf } from "./authorities.ts";
import { startGuest } from "./testing/channel.ts";
import { createTestAuthority } from "./testing/servers.ts";

const directory = mkdtempSync(join(tmpdir(), "authorities-"));
afterAll(() => rmSync(directory, { recursive: true }));

function authoritiesIn(text: string): string[] {
  const path = join(directory, "some.pem");
  writeFileSync(path, text);
  return authoritiesOf({ EMBERBOX_CA_CERTS: path });
}

test("of a system's list, what only this machine trusts", async () => {
  const { ca } = await createTestAuthority();
  const list = ["# Company", ca, ...rootCertificates].join("\r\n");
  expect(authoritiesIn(list).map((pem) => pem.trim())).toEqual([
    expect.stringContaining(ca.trim().split(/\s+/).at(-4)!) as string,
  ]);
  expect(authoritiesIn(rootCertificates.join("\n"))).toEqual([]);
  expect(authoritiesOf({})).toEqual([]);
  expect(authoritiesOf({ EMBERBOX_CA_CERTS: "" })).toEqual([]);
});

test("what is no certificate, is not there or is too much is refused", async () => {
  expect(() => authoritiesOf({ EMBERBOX_CA_CERTS: join(directory, "none") })).toThrow(
    /^EMBERBOX_CA_CERTS: .*none cannot be read \(ENOENT/,
  );
  expect(() => authoritiesIn("nothing")).toThrow("has no certificate as PEM");
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  expect(() => authoritiesIn(broken)).toThrow("certificate 1 of");
  const { ca } = await createTestAuthority();
  expect(() => authoritiesIn(`${ca}\n`.repeat(257))).toThrow("257 certificates of its own");
});

test("sandboxes are told of them, beside the one of their own gateway", async () => {
  const { ca } = await createTestAuthority();
  await using usual = await startGuest({}, { ca: [ca] });
  expect(usual.gateway.guest.authority).toBe(ca);
  await using ruled = await startGuest({ network: { denyOut: ["192.0.2.1"] } }, { ca: [ca] });
  expect(ruled.gateway.guest.authority?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  await using plain = await startGuest({});
  expect(plain.gateway.guest.authority).toBeUndefined();
});
