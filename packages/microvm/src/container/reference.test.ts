import { resolve } from "node:path";
import { expect, test } from "vitest";
import { isLoopback, parseReference } from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["python", "docker://python:latest", "docker.io"],
  ["python:3.12-slim", "docker://python:3.12-slim", "docker.io"],
  ["docker://oven/bun:1", "docker://oven/bun:1", "docker.io"],
  ["ghcr.io/one/two:v1", "docker://ghcr.io/one/two:v1", "ghcr.io"],
  ["localhost:5000/it", "docker://localhost:5000/it:latest", "localhost:5000"],
  ["[::1]:5000/it:a", "docker://[::1]:5000/it:a", "[::1]:5000"],
  [`python:3@${digest}`, `docker://python@${digest}`, "docker.io"],
  ["oci:/a/b:tag", "oci:/a/b:tag", undefined],
  ["oci:here", `oci:${resolve("here")}`, undefined],
  ["docker-archive:/a.tar:one/two:3", "docker-archive:/a.tar:one/two:3", undefined],
])("%s is %s", (text, source, registry) => {
  expect(parseReference(text)).toEqual({ source, registry });
});

test.each([
  "",
  ":",
  "Python",
  "a//b",
  "a/../b",
  "--debug",
  "python:3 --debug",
  "python@sha256:1",
  "user:password@host/it",
  "dir:/etc",
  "docker-daemon:it:latest",
  "ostree:/a",
  "tarball:/etc/passwd",
  "oci:",
  "oci:/a:b:c:d",
  "oci:/a:-tag",
  "https://host/it",
  "host:port/it",
  "a".repeat(2000),
  "oci:a\0b",
])("%j is refused", (text) => {
  expect(() => parseReference(text)).toThrow(/names no container image/);
});

test.each([
  ["localhost", true],
  ["localhost:5000", true],
  ["127.1.2.3:80", true],
  ["[::1]:5000", true],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["10.0.0.1", false],
])("that %s is on this machine is %s", (registry, is) => {
  expect(isLoopback(registry)).toBe(is);
});
