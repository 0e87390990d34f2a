// The public API. `@emberbox/conformance/vitest` has the suite with vitest as its runner.
export { behaviours, type Behaviour } from "./behaviours.ts";
export { describeProvider } from "./suite.ts";
export type { Runner } from "./harness.ts";
export { describeTools } from "./tools.ts";
export type { ToolAnswer, ToolCallOptions, ToolSubject } from "./tool-harness.ts";
