import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { native } from "./native.ts";

/** Gives back what is not needed, so that copies of this machine neither collect it nor share it. */
export function tidyMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: { type: "minor" }) => void;
  const trim = native().load(null).func("int malloc_trim(size_t keep)") as (keep: number) => number;
  trim(0);
  // Young objects only: what a whole collection leaves to be swept would be swept in each copy.
  collect({ type: "minor" });
}
