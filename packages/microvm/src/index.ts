/** The public API of `@emberbox/microvm`. */
export { microvm } from "./provider/provider.ts";
export type { MicrovmOptions } from "./restore/create-options.ts";
