// This file is the public API of `@emberbox/ai-sdk/ui`, which runs in browsers, too: it imports nothing.
export { sandboxPart, toolState } from "./part.ts";
export type { SandboxPartState, SandboxPartView, ViewedFile, ViewedPicture } from "./part.ts";
