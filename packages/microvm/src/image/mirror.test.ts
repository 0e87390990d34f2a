import { expect, test } from "vitest";
import { mirrorSources } from "./mirror.ts";

const sources = (mirror?: string): string[] =>
  mirrorSources("trixie", { EMBERBOX_DEBIAN_MIRROR: mirror });

test("a mirror has releases, updates and security updates, which Debian has signed", () => {
  const signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  expect(sources("https://mirror.example:8080/pub/debian/")).toEqual([
    `${signed} https://mirror.example:8080/pub/debian trixie main`,
    `${signed} https://mirror.example:8080/pub/debian trixie-updates main`,
    `${signed} https://mirror.example:8080/pub/debian-security trixie-security main`,
  ]);
  expect(sources()).toEqual([]);
  expect(sources("")).toEqual([]);
});

test.each([
  "mirror.example",
  "file:///debian",
  "http://a b",
  "http://a [trusted=yes]",
  "http://a?b",
  "http://a\ndeb http://b",
])("%j is no mirror", (mirror) => {
  expect(() => sources(mirror)).toThrow("EMBERBOX_DEBIAN_MIRROR is to be a URL");
});
