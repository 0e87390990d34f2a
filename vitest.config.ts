import { defineConfig } from "vitest/config";

const resolve = { conditions: ["@emberbox/source"] };
const ssr = { resolve };

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
        },
      },
      {
        ssr,
        test: {
          name: "machines",
          include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
          // Every test here runs real virtual machines, and two of them fill a small computer.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
