import type { SandboxProvider } from "@emberbox/core";
import { afterAll, describe, expect, test } from "vitest";
import { describeProvider as describeWith } from "./suite.ts";

/** The suite, with vitest as its runner. */
export function describeProvider(name: string, makeProvider: () => SandboxProvider): void {
  describeWith(name, makeProvider, { describe, test, expect, afterAll });
}
