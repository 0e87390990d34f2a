import { createRequire } from "node:module";

/** The part of koffi's native half that is used here; it is beside the bundles. */
export interface Native {
  load(library: null): Library;
  errno(): number;
}

export interface Library {
  func(declaration: string): (...values: never[]) => unknown;
}

let loaded: Native | undefined;

/** Calls functions of the C library, and of this program, that Node does not expose. */
export function native(): Native {
  return (loaded ??= load());
}

function load(): Native {
  const require = createRequire(import.meta.url);
  try {
    return require("./koffi.node") as Native;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    return require(`@koromix/koffi-linux-${process.arch}`) as Native;
  }
}
