// The release of Debian that is not the default template's. Its image takes minutes to build, so this is for whoever has
// built it: a part of the conformance suite, and with `npm run test:debian-12` all of it.
import { describeProvider } from "@emberbox/conformance/vitest";
import { afterAll, describe, expect, test } from "vitest";
import { createHarness, type Runner } from "../packages/conformance/src/harness.ts";
import { describeCharts } from "../packages/conformance/src/suites/charts.ts";
import { describeCode } from "../packages/conformance/src/suites/code.ts";
import { describeCommands } from "../packages/conformance/src/suites/commands.ts";
import { describeFiles } from "../packages/conformance/src/suites/files.ts";
import { describeLanguages } from "../packages/conformance/src/suites/languages.ts";
import { describePython } from "../packages/conformance/src/suites/python.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { findImage } from "../packages/microvm/src/image/index.ts";
import { engine, testTemplate } from "./support/sandboxes.ts";

const runner: Runner = { describe, test, expect, afterAll };

if ((await findImage(paths().images, "debian-12")) === undefined)
  test.skip("SKIPPED: the image of debian-12 is not there; `emberbox build debian-12` builds it", () => {});
else if (testTemplate === "debian-12") describeProvider("debian-12", () => engine());
else
  describe("debian-12: a sandbox", () => {
    const harness = createHarness(() => engine("debian-12"), runner);
    describeCode(harness);
    describeCharts(harness);
    describeLanguages(harness);
    describePython(harness);
    describeFiles(harness);
    describeCommands(harness);
  });
