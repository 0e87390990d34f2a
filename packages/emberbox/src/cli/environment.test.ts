import { expect, test } from "vitest";
import { adviceOnNames, environmentOf } from "./environment.ts";

const plain = {
  url: "http://127.0.0.1:3000",
  domain: "localhost:3000",
  apiKey: "e2b_1",
  certificateFile: undefined,
  trustFile: undefined,
};
const tls = { ...plain, url: "https://127.0.0.1:3000", domain: "sbx.localhost:3000" };

test("without TLS, three variables point the SDKs at a server", () => {
  expect(Object.fromEntries(environmentOf(plain))).toEqual({
    E2B_API_URL: plain.url,
    E2B_SANDBOX_URL: plain.url,
    E2B_API_KEY: "e2b_1",
  });
});

test("with a certificate that was made, each SDK gets what it trusts it by, and the names of sandboxes", () => {
  const made = { ...tls, certificateFile: "/a/own.pem", trustFile: "/a/all.pem" };
  expect(Object.fromEntries(environmentOf(made))).toEqual({
    E2B_API_URL: tls.url,
    E2B_SANDBOX_URL: tls.url,
    E2B_DOMAIN: tls.domain,
    E2B_API_KEY: "e2b_1",
    NODE_EXTRA_CA_CERTS: "/a/own.pem",
    SSL_CERT_FILE: "/a/all.pem",
  });
});

test("with a certificate that was given, which is for names, they use names alone", () => {
  expect(environmentOf(tls).map(([name]) => name)).toEqual(["E2B_DOMAIN", "E2B_API_KEY"]);
});

test("where names of sandboxes are not found, it is said what to do", async () => {
  expect(await adviceOnNames("sbx.invalid:3000")).toMatch(/sbx\.invalid are not found.*DNS/);
});
