// Checks what npm would get: builds and packs every published package, then has publint read its manifest and "Are The
// Types Wrong?" resolve its types as its users would.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StepFailed, finish, root } from "./setup/steps.mjs";
import { node, script } from "./setup/workspace.mjs";

await finish(() => {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "emberbox-packages-"));
  try {
    run(node, join(root, "scripts/dist.mjs"));
    run(
      "npx",
      "--yes",
      packageManager,
      "--recursive",
      "--filter",
      "./packages/*",
      "pack",
      "--pack-destination",
      folder,
    );
    for (const tarball of readdirSync(folder).map((name) => join(folder, name))) {
      run(script("publint"), tarball, "--strict");
      // Node's `require` loads ES modules, so there is nothing separate for CommonJS.
      run(script("attw"), tarball, "--profile", "esm-only", "--format", "ascii");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs a program, whose output is shown only if it fails. */
function run(program, ...parameters) {
  const { status, stdout, stderr } = spawnSync(program, parameters, {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 0) return;
  throw new StepFailed(`${program} ${parameters.join(" ")}\n${stdout}${stderr}`);
}
