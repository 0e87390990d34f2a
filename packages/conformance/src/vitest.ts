import type { SandboxProvider } from "@emberbox/core/provider";
import { afterAll, describe, expect, test } from "vitest";
import { describeProvider as describeWith } from "./suite.ts";
import type { ToolSubject } from "./tool-harness.ts";
import { describeTools as describeToolsWith, type Without } from "./tools.ts";

/** The suite, with vitest as its runner. */
export function describeProvider(name: string, makeProvider: () => SandboxProvider): void {
  describeWith(name, makeProvider, { describe, test, expect, afterAll });
}

/** The behaviours of the tools, called through a framework. */
export function describeTools(
  name: string,
  makeProvider: () => SandboxProvider,
  makeSubject: (provider: SandboxProvider) => ToolSubject | Promise<ToolSubject>,
  without: Without = {},
): void {
  const runner = { describe, test, expect, afterAll };
  describeToolsWith(name, makeProvider, makeSubject, runner, without);
}
