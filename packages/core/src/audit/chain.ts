import { createHash } from "node:crypto";
import { digestOf } from "./digest.ts";
import type { AuditEvent, AuditFields } from "../audit-event.ts";

export const FIRST: string = "0".repeat(64);
/** The longest line of an event, in bytes. */
export const MAX_LINE_BYTES: number = 16 * 1024 * 1024;
/** Its hash aside. */
const MAX_EVENT_BYTES = MAX_LINE_BYTES - 128;
const HASH = /,"hash":"([0-9a-f]{64})"\}$/;

export interface Link {
  readonly seq: number;
  readonly prev: string;
}

/** An event's line, without the line break, and its hash, which the next event names. */
export function linkLine(
  fields: AuditFields,
  { seq, prev }: Link,
  redact: (text: string) => string,
): { line: string; hash: string } {
  const about = { seq, time: new Date().toISOString() };
  const inJson = (of: AuditFields): string =>
    JSON.stringify({ ...about, ...of, prev }, (_key, value: unknown) =>
      typeof value === "string" ? redact(value) : value,
    );
  const whole = inJson(fields);
  const body = Buffer.byteLength(whole) > MAX_EVENT_BYTES ? inJson(cut(fields, whole)) : whole;
  const hash = hashOf(prev, body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, hash };
}

/** What stays of an event that is too long: what it is of, and a digest of the rest. */
function cut({ sandboxId, event, call, method, by }: AuditFields, whole: string): AuditFields {
  return { sandboxId, event, call, method, by, leftOut: digestOf(whole, false) };
}

/** Reads a line. `undefined` for one that is none, was changed, or is incomplete. */
export function readLine(line: string): AuditEvent | undefined {
  const hash = HASH.exec(line)?.[1];
  if (hash === undefined) return undefined;
  const body = line.replace(HASH, "}");
  try {
    const event = JSON.parse(line) as AuditEvent;
    return typeof event.prev === "string" && hashOf(event.prev, body) === hash ? event : undefined;
  } catch {
    return undefined;
  }
}

const hashOf = (prev: string, body: string): string =>
  createHash("sha256").update(prev).update(body).digest("hex");
