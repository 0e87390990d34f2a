import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { envdVersion, isEqual, signFile } from "./envd.ts";

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
