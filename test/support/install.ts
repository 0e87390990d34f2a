import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { outside, packAll, pnpm, root } from "./pack.ts";

export interface InstallCase {
  /** Folders in `packages` that are packed and installed; those they depend on, too. */
  readonly packages: readonly string[];
  /** What is installed beside them, as npm names it: the framework. */
  readonly beside: Readonly<Record<string, string>>;
  /** Versions for what the framework itself depends on, where its newest do not fit together. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** A program in TypeScript that must compile with `skipLibCheck: false`, and run. */
  readonly program: string;
  /** Names that `import` and `require` must give, by module. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** Registers the test: packed, installed with strict peers, compiled, imported and required, as a user would. */
export function describeInstall(name: string, installed: InstallCase): void {
  describe(`${name}, installed`, () => {
    test("compiles beside its framework, and loads by import and by require", () => {
      const folder = mkdtempSync(join(tmpdir(), "emberbox-install-"));
      try {
        install(folder, installed);
        writeFileSync(join(folder, "program.ts"), installed.program);
        run(folder, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
        run(folder, ["program.js"]);
        for (const [module, names] of Object.entries(installed.names)) {
          const wanted = JSON.stringify(names.toSorted());
          const same = `if (JSON.stringify(Object.keys(all).filter((name) => name !== "__esModule" && name !== "module.exports").sort()) !== '${wanted}') throw new Error("Got " + Object.keys(all));`;
          run(folder, ["--input-type=module", "-e", `import * as all from "${module}"; ${same}`]);
          run(folder, ["--input-type=commonjs", "-e", `const all = require("${module}"); ${same}`]);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 600_000);
  });
}

/** Runs one of the packages' scripts, or a program, with the Node of the workspace; fails with what it printed. */
function run(folder: string, parameters: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, {
    cwd: folder,
    encoding: "utf8",
    env: outside,
    timeout: 120_000,
  });
  expect(status, `${parameters.join(" ").slice(0, 200)}\n${stdout}${stderr}`).toBe(0);
}

function install(folder: string, { packages, beside, overrides }: InstallCase): void {
  const tarballs = packAll(folder, packages);
  const manifest = {
    name: "installed",
    private: true,
    type: "module",
    dependencies: { ...beside, ...tarballs, "@types/node": "^24.0.0" },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(folder, "pnpm-workspace.yaml"),
    JSON.stringify({
      strictPeerDependencies: true,
      autoInstallPeers: false,
      overrides: { ...overrides, ...tarballs },
      packages: ["."],
    }),
  );
  const compilerOptions = {
    module: "nodenext",
    target: "es2024",
    // TypeScript's default, which some of the frameworks need; core, the engine and the server do without `dom`.
    lib: ["es2024", "esnext.disposable", "dom"],
    types: ["node"],
    strict: true,
    skipLibCheck: false,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["program.ts"] }),
  );
  pnpm(folder, ["install", "--ignore-scripts", "--no-frozen-lockfile", "--prefer-offline"]);
}
