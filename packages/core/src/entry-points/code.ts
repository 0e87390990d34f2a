// The public API of `@emberbox/core/code`: what running code takes and returns.
export type { ExecutionCallbacks } from "../interpreter/collector.ts";
export type { CreateCodeContextOptions } from "../interpreter/contexts.ts";
export type { ExecutionFields, Logs, Truncation } from "../interpreter/execution.ts";
export { languageName } from "../interpreter/language-names.ts";
