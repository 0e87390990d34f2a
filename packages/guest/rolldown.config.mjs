import { defineConfig } from "rolldown";

export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  // Loaded from beside the bundle: it carries native code.
  external: [/^@lydell\/node-pty/],
  output: { file: "dist/agent.mjs", format: "esm", minify: "dce-only" },
});
