// The public API of `@emberbox/ai-sdk/testing`: what a sandbox session of the AI SDK must do.
export { describeSandboxSession } from "./session-suite.ts";
export type { SessionSubject } from "./subject.ts";
