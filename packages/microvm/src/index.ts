// The public API of `@emberbox/microvm`.
import "@emberbox/core"; // First: it refuses a Node that is too old for the rest.

export { microvm } from "./provider/provider.ts";
export type { MicrovmOptions } from "./provider/options.ts";
