import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { envdVersion, isEqual, refusalOf, signFile, withoutSignature } from "./envd.ts";

test("a signature is what the official client makes", () => {
  // e2b 2.51.0: v1_ + unpadded base64 of the SHA-256 of "/a:read:user:secret:1700000000".
  const grant = { path: "/a", operation: "read", user: "user", expiration: "1700000000" } as const;
  expect(signFile(grant, "secret")).toBe("v1_5TFY41bM8XEYTqH53PTBxRq50RLuxiB5b7ZRdxaHhyU");
});

test("secrets are equal only to themselves", () => {
  expect([isEqual("é", "é"), isEqual("a", "b"), isEqual("", "a")]).toEqual([true, false, false]);
});

test("the version that is reported is that of the newest documented feature", () => {
  const page = readFileSync(new URL("../../../docs/envd.md", import.meta.url), "utf8");
  const versions = [...page.matchAll(/^\| (\d+\.\d+\.\d+) /gm)].map(([, version]) => version!);
  const newest = versions.toSorted((one, other) =>
    one.localeCompare(other, "en", { numeric: true }),
  );
  expect(newest.at(-1)).toBe(envdVersion);
});

describe("who may call", () => {
  const token = "the token";
  const grant = { path: "/a", operation: "read", user: "", expiration: null } as const;
  const signature = encodeURIComponent(signFile(grant, token));
  const asked = (method: string, url: string, shown?: string): string | undefined =>
    refusalOf({ method, url: new URL(url, "http://sandbox"), token: shown }, token);

  test.each([
    ["GET", "/health"],
    ["GET", "/metrics", token],
    ["POST", "/process.Process/Start", token],
    ["GET", `/files?path=/a&signature=${signature}`],
  ])("%s %s is answered", (method, url, shown?: string) =>
    expect(asked(method, url, shown)).toBe(undefined),
  );

  test.each([
    ["POST", "/health"],
    ["GET", "/health/../metrics"],
    ["GET", "/metrics"],
    ["GET", "/metrics", ""],
    ["GET", "/metrics", "the tokem"],
    ["GET", "/files?path=/a"],
    ["GET", `/files?path=/a&signature=${signature}`, "wrong"],
    ["GET", `/files?path=/a&path=/b&signature=`],
    ["GET", `/files?path=/b&path=/a&signature=${signature}`],
    ["POST", `/files?path=/a&signature=${signature}`],
    ["GET", `/files?path=/a&username=root&signature=${signature}`],
    ["GET", `/files?path=/a&signature=${signature}&signature_expiration=99999999999`],
    ["GET", `/metrics?path=/a&signature=${signature}`],
    ["POST", `/process.Process/Start?path=/a&signature=${signature}`],
    ["GET", `/files/?path=/a&signature=${signature}`],
  ])("%s %s is refused", (method, url, shown?: string) =>
    expect(asked(method, url, shown)).toMatch(/^(unauthorized|invalid)/),
  );

  test("the sandbox is not shown a signature, however it is written", () => {
    const url = new URL(
      `http://s/files?path=/a%20b&%73ignature=${signature}&signature_expiration=1`,
    );
    expect(withoutSignature(url).href).toBe("http://s/files?path=%2Fa+b");
    expect(withoutSignature(new URL("http://s/files?path=/a%20b")).search).toBe("?path=/a%20b");
  });
});
