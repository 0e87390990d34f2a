import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StepFailed, command, root } from "./steps.mjs";

const modules = join(root, "node_modules");
const stamp = join(modules, ".setup-stamp");

/** The path of a program that the workspace installs. */
export function script(name) {
  return join(modules, ".bin", name);
}

/** Node 24, from the workspace. */
export const node = script("node");

/** Installs the workspace with the pnpm that package.json names, unless that was done already for the same files. */
export async function installWorkspace() {
  const fingerprint = fingerprintOfManifests();
  if (!existsSync(node) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== fingerprint) {
    const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    // CI: pnpm must not ask before it replaces what another version installed.
    await command("workspace", ["npx", "--yes", packageManager, "install", "--frozen-lockfile"], {
      quiet: true,
      env: { CI: "true" },
    });
    if (!existsSync(node))
      throw new StepFailed(
        "pnpm was content, but node_modules/.bin/node is missing: remove node_modules and try again",
      );
    // Vitest keeps where imports were found, and does not notice that a manifest's `exports` have changed.
    rmSync(join(modules, ".vitest-cache"), { recursive: true, force: true });
    writeFileSync(stamp, fingerprint);
  }
  // From here on `node` is Node 24, also for the workspace's tools.
  process.env.PATH = `${join(modules, ".bin")}:${process.env.PATH}`;
}

/** What determines the contents of node_modules. */
function fingerprintOfManifests() {
  const folders = ["packages", "examples", "site", "test"];
  const members = [
    ...folders,
    ...folders.flatMap((folder) => list(folder).map((name) => join(folder, name))),
  ];
  const files = [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "package.json",
    ...members.map((member) => join(member, "package.json")),
  ];
  const hash = createHash("sha256");
  for (const file of files.filter((each) => existsSync(join(root, each))))
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function list(folder) {
  const directory = join(root, folder);
  return existsSync(directory) ? readdirSync(directory).toSorted() : [];
}

/** Bundles the agent that runs in the virtual machine. */
export async function buildGuest() {
  await command("guest agent", [node, "--run", "build"], {
    cwd: join(root, "packages", "guest"),
    quiet: true,
  });
}
