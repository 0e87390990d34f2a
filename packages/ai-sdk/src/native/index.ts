// The public API of `@emberbox/ai-sdk/native`.
export { createNativeExecutors } from "./executors.ts";
export type { NativeExecutors } from "./executors.ts";
