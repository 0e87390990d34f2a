// The public API of `@emberbox/ai-sdk/ui`. It runs in browsers, too, so it imports nothing.
export { sandboxPart, toolState } from "./part.ts";
export type { SandboxPartState, SandboxPartView, ViewedFile, ViewedPicture } from "./part.ts";
