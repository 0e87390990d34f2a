import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig } from "rolldown";
import { mimeTypes } from "./src/interpreter/mime-types.ts";

const require = createRequire(import.meta.url);
const native = {
  arm64: {
    pty: require.resolve("@lydell/node-pty-linux-arm64/pty.node"),
    koffi: join(dirname(require.resolve("@koromix/koffi-linux-arm64")), "linux_arm64/koffi.node"),
  },
  x64: {
    pty: require.resolve("@lydell/node-pty-linux-x64/pty.node"),
    koffi: join(dirname(require.resolve("@koromix/koffi-linux-x64")), "linux_x64/koffi.node"),
  },
};
/** Native code cannot be bundled: the bundles load it from beside them, in a machine of either architecture. */
const copyNative = {
  name: "copy-native",
  buildStart() {
    for (const [cpu, { pty, koffi }] of Object.entries(native)) {
      mkdirSync(join("dist", cpu), { recursive: true });
      copyFileSync(pty, `dist/${cpu}/pty.node`);
      copyFileSync(koffi, `dist/${cpu}/koffi.node`);
      copyFileSync(
        join(
          dirname(require.resolve("zeromq")),
          `../build/linux/${cpu}/node/glibc-127-Release/addon.node`,
        ),
        `dist/${cpu}/zeromq.node`,
      );
    }
  },
};

/** Python reads the same types that the bundles have. */
const writeMimeTypes = {
  name: "write-mime-types",
  buildStart() {
    mkdirSync("dist", { recursive: true });
    writeFileSync("dist/mime-types.json", JSON.stringify(Object.fromEntries(mimeTypes)));
  },
};

/** Code that looks for ZeroMQ's native module in many places finds it beside the bundle. */
const loadZeromq = {
  name: "load-zeromq",
  load: {
    filter: { id: /\/zeromq\/lib\/load-addon\.js$/ },
    handler: () => `
      import { createRequire } from "node:module";
      export default createRequire(import.meta.url)("./zeromq.node");
    `,
  },
};

/** TypeScript's compiler is a bundle of its own. */
const loadTypeScript = {
  name: "load-typescript",
  load: {
    filter: { id: /\/javascript\/compiler\.ts$/ },
    handler: () =>
      `export const loadCompiler = async () => (await import("./typescript.mjs")).default;`,
  },
};

const bundle = (input, name, plugins = [], minify = false) => ({
  input,
  platform: "node",
  external: ["./typescript.mjs"],
  resolve: { conditionNames: ["@emberbox/source", "node", "import", "default"] },
  plugins,
  output: { file: `dist/${name}.mjs`, format: "esm", codeSplitting: false, minify },
});

export default defineConfig([
  bundle("src/main.ts", "agent", [copyNative, writeMimeTypes, loadZeromq]),
  bundle("src/fuse-guard.ts", "fuse-guard"),
  bundle("src/volume-relay.ts", "volume-relay"),
  bundle("src/javascript/main.ts", "javascript", [loadTypeScript]),
  bundle("src/javascript/watchdog.ts", "watchdog"),
  bundle("typescript", "typescript", [], true),
  // Not one of the agent's files: it is put into the sandboxes that ask for it, under a name without an ending.
  {
    input: "src/mcp/main.ts",
    platform: "node",
    resolve: { conditionNames: ["@emberbox/source", "node", "import", "default"] },
    output: {
      file: "dist/mcp/mcp-gateway.cjs",
      format: "cjs",
      codeSplitting: false,
      minify: true,
      banner: "#!/usr/bin/env node",
    },
  },
]);
