import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { defineConfig } from "rolldown";

/** Native code cannot be bundled: the terminal's is put beside the bundle, which loads it from there. */
const copyNative = {
  name: "copy-native",
  buildStart() {
    mkdirSync("dist", { recursive: true });
    copyFileSync(
      createRequire(import.meta.url).resolve("@lydell/node-pty-linux-x64/pty.node"),
      "dist/pty.node",
    );
  },
};

export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  plugins: [copyNative],
  output: { file: "dist/agent.mjs", format: "esm" },
});
