import * as latest from "@e2b/code-interpreter";
import * as of245 from "code-interpreter-2.45";
import * as of250 from "code-interpreter-2.50";
import type { Sdk } from "./method.ts";

/** By `E2B_SANDBOX_URL`, or by `https://{port}-{id}.{domain}`, which older code interpreters know only. */
export type Way = "url" | "host names";

/** The code interpreter's SDK of three generations, each with E2B's SDK of that version beneath. */
export const versions: readonly (readonly [version: string, way: Way, sdk: Sdk])[] = [
  ["2.51.0", "url", latest as unknown as Sdk],
  ["2.50.0", "host names", of250 as unknown as Sdk],
  ["2.45.0", "host names", of245 as unknown as Sdk],
];
