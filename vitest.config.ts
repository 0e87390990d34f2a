import { join } from "node:path";
import { defineConfig } from "vitest/config";

const resolve = { conditions: ["@emberbox/source"] };
const ssr = { resolve };
/** They look at all there is on the machine, or build what is published, the guest that others start included. */
const alone = [
  "**/install.test.ts",
  "test/lifecycle.test.ts",
  "test/state.test.ts",
  "test/e2b/{kills,load}.test.ts",
];
/** Sources run on the workspace's own Node, whichever runs the tests: older ones do not know all of their syntax. */
const PATH = `${join(import.meta.dirname, "node_modules/.bin")}:${process.env["PATH"]}`;
const machineLimits = { testTimeout: 300_000, hookTimeout: 600_000 };

export default defineConfig({
  ssr,
  test: {
    projects: [
      {
        ssr,
        test: {
          name: "unit",
          include: ["packages/**/src/**/*.test.ts", "scripts/**/*.test.ts"],
          env: { PATH },
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ssr,
        test: {
          name: "machines",
          include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
          exclude: ["**/node_modules/**", ...alone],
          // Every test here runs real virtual machines, and two of them fill a small computer.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...machineLimits,
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
          ...machineLimits,
        },
      },
    ],
  },
});
