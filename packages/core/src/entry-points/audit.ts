// The public API of `@emberbox/core/audit`: what is recorded of sandboxes, how it is read and checked, and what records
// calls that go another way than through `Sandbox`.
import "../supported-node.ts";

export { digestOf as auditDigest, PassingDigest } from "../audit/digest.ts";
export { recordCreate, recordEnd } from "../audit/lifecycle.ts";
export { failureOf as auditFailure, recordCall } from "../audit/recorded.ts";
export type { RecordedCall } from "../audit/recorded.ts";
export { askedBy, Recorder as AuditRecorder } from "../audit/recorder.ts";
export { readLog as readAuditLog } from "../audit/read.ts";
export type { AuditFindings, AuditProblem } from "../audit/read.ts";
export type { AuditAsker, AuditDigest, AuditEvent, AuditFields } from "../audit-event.ts";
export type { AuditOptions } from "../audit-options.ts";
