import type { SandboxProvider } from "@emberbox/core";
import { afterAll, describe, expect, test, TestRunner } from "vitest";
import { describeProvider as describeWith } from "./suite.ts";
import { describeTools as describeToolsWith, type ToolSubject } from "./tools.ts";

/** The suite, with vitest as its runner. */
export function describeProvider(name: string, makeProvider: () => SandboxProvider): void {
  describeWith(name, makeProvider, { describe, test, expect, afterAll });
}

/** The behaviours of the tools, called through a framework. */
export function describeTools(
  name: string,
  makeProvider: () => SandboxProvider,
  makeSubject: (provider: SandboxProvider) => ToolSubject | Promise<ToolSubject>,
): void {
  describeToolsWith(name, makeProvider, makeSubject, { describe, test, expect, afterAll, without });
}

function without(reason: string): void {
  Object.assign(TestRunner.getCurrentTest()!.meta, { without: reason });
}
