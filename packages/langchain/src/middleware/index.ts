// The public API of `@emberbox/langchain/middleware`.
export { createSandboxMiddleware } from "./middleware.ts";
export type { SandboxMiddleware, SandboxMiddlewareOptions } from "./middleware.ts";
export { createCheckpointMiddleware } from "../checkpoints/middleware.ts";
