// The public API of `@emberbox/langchain/native`.
export { createNativeExecutors } from "./executors.ts";
export type { NativeExecutors } from "./executors.ts";
