// The public API of `@emberbox/core/options`: how providers and adapters check their options.
export { auditSchema } from "../audit-options.ts";
export { parseOptions } from "../options.ts";
export type { FieldsOf } from "../options.ts";
export { sharedOptions } from "../sandbox-options.ts";
