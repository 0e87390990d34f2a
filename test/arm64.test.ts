import { describeProvider } from "@emberbox/conformance/vitest";
import { test } from "vitest";
import { engine, testArchitecture } from "./support/sandboxes.ts";

// Their image is built by programs that are emulated, too, which takes an hour.
if (testArchitecture === "arm64") describeProvider("microvm, arm64", () => engine());
else test.skip("SKIPPED: arm64 machines are tested by `npm run test:arm64`", () => undefined);
