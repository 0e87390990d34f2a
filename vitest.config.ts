import { join, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const resolve = { conditions: ["@emberbox/source"] };
const ssr = { resolve };
/** They look at all there is on the machine. */
const alone = ["test/lifecycle.test.ts", "test/e2b/{kills,load}.test.ts"];
/** They install what is published, which is built once for all of them, before anything runs. */
const install = ["**/install.test.ts"];
/**
 * What begins first. The first file warms the template that most others need; those after it need no machine. Then
 * come those that take longest: the last one to begin would run on alone, and without times of an earlier run Vitest
 * goes by size, of which these have little.
 */
const first = [
  "test/conformance-e2b.test.ts",
  "test/fuzz.test.ts",
  "test/langchain/install.test.ts",
  "test/ai-sdk/install.test.ts",
  "test/openai-agents/install.test.ts",
  "test/projects/install.test.ts",
  "test/conformance.test.ts",
  "test/hostile.test.ts",
  "test/escapes.test.ts",
  "test/state.test.ts",
  "test/e2b/methods.test.ts",
  "test/kernels.test.ts",
  "test/network.test.ts",
  "test/examples.test.ts",
];

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = first.indexOf(relative(import.meta.dirname, moduleId));
  return place === -1 ? first.length : place;
};

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it sorts no array
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

/** Sources run on the workspace's own Node, whichever runs the tests: older ones do not know all of their syntax. */
const PATH = `${join(import.meta.dirname, "node_modules/.bin")}:${process.env["PATH"]}`;
/** Each runs real virtual machines, which fill a core each, but not while a test waits: three fill a small computer. */
const machineWorkers = 3;
/** A test that finds no image fails, instead of building one for minutes. */
const EMBERBOX_BUILD = "never";
const machines = {
  env: { EMBERBOX_BUILD },
  setupFiles: join(import.meta.dirname, "test/support/own-state.ts"),
  testTimeout: 300_000,
  hookTimeout: 600_000,
};

export default defineConfig({
  ssr,
  test: {
    sequence: { sequencer: InOrder },
    projects: [
      {
        ssr,
        test: {
          name: "unit",
          include: ["packages/**/src/**/*.test.ts", "scripts/**/*.test.ts"],
          env: { PATH, EMBERBOX_BUILD },
          testTimeout: 30_000,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        ssr,
        test: {
          name: "machines",
          include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
          exclude: ["**/node_modules/**", ...alone, ...install],
          maxWorkers: machineWorkers,
          sequence: { groupOrder: 1 },
          ...machines,
        },
      },
      {
        ssr,
        test: {
          name: "install",
          include: install,
          exclude: ["**/node_modules/**"],
          globalSetup: "test/support/dist.ts",
          maxWorkers: machineWorkers,
          sequence: { groupOrder: 1 },
          ...machines,
        },
      },
      {
        ssr,
        test: {
          name: "alone",
          include: alone,
          exclude: ["**/node_modules/**"],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...machines,
        },
      },
    ],
  },
});
