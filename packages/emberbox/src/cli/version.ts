import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("emberbox/package.json") as { version: string };

/** Of this package, and of all that are released with it. */
export const version: string = manifest.version;
