import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const core = join(import.meta.dirname, "../..");

const manifest = JSON.parse(readFileSync(join(core, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};
const dependencies = Object.keys(manifest.dependencies);

test("without the engine's package, it is said what to install", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "emberbox-core-"));
  try {
    cpSync(join(core, "src"), join(elsewhere, "src"), { recursive: true });
    for (const name of dependencies) {
      const link = join(elsewhere, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(core, "node_modules", name), link);
    }
    const program = join(elsewhere, "program.mjs");
    writeFileSync(
      program,
      `import { createSandboxTools } from "./src/tools/index.ts";
       const tools = createSandboxTools(undefined, { onError: (error) => console.log(error.code, error.hint) });
       console.log((await tools.execute("run_code", { code: "1" })).text);`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", program], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] },
    });
    expect(stderr).toBe("");
    expect(stdout).toContain("provider_missing Install `@emberbox/microvm`, or give a `provider`.");
    expect(stdout).toContain("There is no sandbox to work in (provider_missing)");
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
