// The public API of `@emberbox/core/audit`: what is recorded of sandboxes, and how it is read and checked.
import "../supported-node.ts";

export { readLog as readAuditLog } from "../audit/read.ts";
export type { AuditFindings, AuditProblem } from "../audit/read.ts";
export type { AuditAsker, AuditDigest, AuditEvent, AuditFields } from "../audit-event.ts";
export type { AuditOptions } from "../audit-options.ts";
