import { createHash } from "node:crypto";
import type { AuditEvent, AuditFields } from "../audit-event.ts";

export const FIRST: string = "0".repeat(64);
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
  const event = { seq, time: new Date().toISOString(), ...fields, prev };
  const body = JSON.stringify(event, (_key, value: unknown) =>
    typeof value === "string" ? redact(value) : value,
  );
  const hash = hashOf(prev, body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, hash };
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
