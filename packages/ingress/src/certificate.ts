import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** What a certificate says; those of an authority are signed with its own key. */
export interface CertificateOptions {
  readonly name: string;
  /** The names and IPv4 addresses that a server's is for. @default its name */
  readonly hosts?: readonly string[];
  readonly publicKey: KeyObject;
  readonly issuer: {
    readonly name: string;
    readonly publicKey: KeyObject;
    readonly key: KeyObject;
  };
  readonly isAuthority: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const oids = {
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  subjectKeyIdentifier: "551d0e",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  authorityKeyIdentifier: "551d23",
  extKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
} as const;

/** A value in DER: its tag, its length, and its contents. */
function der(tag: number, ...parts: readonly (Buffer | Uint8Array)[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (name: keyof typeof oids): Buffer => der(0x06, Buffer.from(oids[name], "hex"));
const bits = (unused: number, bytes: Buffer): Buffer => der(0x03, Buffer.of(unused), bytes);
const TRUE = der(0x01, Buffer.of(0xff));

const nameOf = (text: string): Buffer =>
  // The field holds 64 characters; the whole name is in the extension.
  sequence(der(0x31, sequence(oid("commonName"), der(0x0c, Buffer.from(text.slice(0, 64))))));

const time = (date: Date): Buffer =>
  der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-:T]/g, "")}Z`));

const keyId = (key: KeyObject): Buffer =>
  createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();

const alternative = (host: string): Buffer =>
  isIPv4(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));

const extension = (name: keyof typeof oids, isCritical: boolean, value: Buffer): Buffer =>
  sequence(oid(name), ...(isCritical ? [TRUE] : []), der(0x04, value));

/** A certificate for P-256 keys, as PEM. It takes a fraction of a millisecond: guests can cause many. */
export function writeCertificate(options: CertificateOptions): string {
  const { name, publicKey, issuer, isAuthority, notBefore, notAfter } = options;
  const hosts = options.hosts ?? [name];
  const algorithm = sequence(oid("ecdsaWithSha256"));
  const extensions = [
    extension("basicConstraints", true, sequence(...(isAuthority ? [TRUE] : []))),
    // keyCertSign and cRLSign, or digitalSignature.
    extension("keyUsage", true, isAuthority ? bits(1, Buffer.of(0x06)) : bits(7, Buffer.of(0x80))),
    extension("subjectKeyIdentifier", false, der(0x04, keyId(publicKey))),
    extension("authorityKeyIdentifier", false, sequence(der(0x80, keyId(issuer.publicKey)))),
    ...(isAuthority
      ? []
      : [
          extension("extKeyUsage", false, sequence(oid("serverAuth"))),
          extension("subjectAltName", false, sequence(...hosts.map(alternative))),
        ]),
  ];
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1), randomBytes(15)),
    algorithm,
    nameOf(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(signed, algorithm, bits(0, sign("sha256", signed, issuer.key)));
  const lines = whole.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
