import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";

export const root: string = resolve(import.meta.dirname, "../..");

/** The folders of `emberbox` and of all that it depends on. */
export const everything: readonly string[] = [
  "core",
  "wire",
  "guest",
  "ingress",
  "microvm",
  "server",
  "mcp",
  "emberbox",
];

/** For programs that were installed: they run on this Node, and find nothing of the workspace. */
export const outside: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`,
  NODE_PATH: "",
};

/** Packs packages as they would be published; returns where each is, as a dependency, by its name. */
export function packAll(folder: string, packages: readonly string[]): Record<string, string> {
  return Object.fromEntries(packages.map((name) => [nameOf(name), `file:${pack(folder, name)}`]));
}

function pack(folder: string, name: string): string {
  const out = pnpm(join(root, "packages", name), ["pack", "--json", "--pack-destination", folder]);
  const { filename } = JSON.parse(out.slice(out.indexOf("{"))) as { filename: string };
  return resolve(folder, filename);
}

function nameOf(folder: string): string {
  return (
    JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")) as {
      name: string;
    }
  ).name;
}

/** Runs the workspace's pnpm; fails with what it printed. */
export function pnpm(cwd: string, parameters: readonly string[]): string {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    packageManager: string;
  };
  try {
    return execFileSync("npx", ["-y", packageManager, ...parameters], {
      cwd,
      encoding: "utf8",
      env: { ...process.env, CI: "true" },
      timeout: 300_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`pnpm ${parameters[0]} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
