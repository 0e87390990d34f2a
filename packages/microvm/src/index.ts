/** The public API of `@emberbox/microvm`. */
export { microvm } from "./provider/provider.ts";
export type { MicrovmOptions } from "./provider/options.ts";
