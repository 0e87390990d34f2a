/** The public API of `@emberbox/microvm`. */
export { microvm } from "./provider.ts";
export type { MicrovmOptions } from "./options.ts";
