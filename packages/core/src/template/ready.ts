import { z } from "zod";
import { checkPath } from "../files/path.ts";
import { parseArgument } from "../options.ts";
import { quote } from "../shell-quote.ts";

/** What the kernel keeps of a program's name. */
const KEPT_CHARACTERS = 15;

const port = z.int().min(1).max(65_535).describe("a port from 1 to 65535");
const status = z.int().min(100).max(599).describe("an HTTP status from 100 to 599");
const milliseconds = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .describe("a whole number of milliseconds, from 0");
const url = z
  .string()
  .regex(/^https?:\/\/[^\0\s]+$/i)
  .refine((text) => URL.canParse(text))
  .describe("an http or https URL");
const programName = z
  .string()
  .regex(/^[^\0\s/]+$/)
  .describe("a program's name, without spaces and `/`");

/** A ready command for `setStartCmd`: something listens on a TCP or UDP port. @throws `invalid_argument` */
export function waitForPort(number: number): string {
  return `[ -n "$(ss -Htuln 'sport = :${parseArgument(port, "port", number)}')" ]`;
}

/** A ready command for `setStartCmd`: a URL answers with a status, within 30 seconds. @throws `invalid_argument` */
export function waitForURL(address: string, expected: number = 200): string {
  const target = quote(parseArgument(url, "url", address));
  const code = parseArgument(status, "status", expected);
  return `[ "$(curl -s --globoff --max-time 30 -o /dev/null -w '%{http_code}' ${target})" = ${code} ]`;
}

/** A ready command for `setStartCmd`: a program of this name is running. @throws `invalid_argument` */
export function waitForProcess(name: string): string {
  const program = parseArgument(programName, "name", name);
  const kept = quote(literally(program.slice(0, KEPT_CHARACTERS)));
  // Some programs give themselves another name, as Node 24 does; others are scripts, which have an interpreter's path.
  const started = quote(`^([^ ]*/)?${literally(program)}( |$)`);
  return `{ pgrep -x -- ${kept} || pgrep -f -- ${started}; } > /dev/null`;
}

/** A ready command for `setStartCmd`: something exists at a path. @throws `invalid_path` */
export function waitForFile(path: string): string {
  return `[ -e ${quote(checkPath(path))} ]`;
}

/** A ready command for `setStartCmd`: some time has passed, in milliseconds. @throws `invalid_argument` */
export function waitForTimeout(ms: number): string {
  return `sleep ${parseArgument(milliseconds, "ms", ms) / 1000}`;
}

/** A regular expression that only this text fits. */
const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
