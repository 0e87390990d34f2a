import { defineConfig } from "vitest/config";

const resolve = { conditions: ["@emberbox/source"] };
const ssr = { resolve };
const installs = "**/install.test.ts";
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
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ssr,
        test: {
          name: "machines",
          include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
          exclude: ["**/node_modules/**", installs],
          // Every test here runs real virtual machines, and two of them fill a small computer.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...machineLimits,
        },
      },
      {
        ssr,
        test: {
          name: "installs",
          include: [installs],
          exclude: ["**/node_modules/**"],
          // They build what is published, and the guest that other tests start is a part of that.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...machineLimits,
        },
      },
    ],
  },
});
