// Builds what npm would get: `node scripts/dist.mjs [package...]` compiles packages (by default all public ones) and
// those they depend on into their `dist`, JavaScript and types, one after another.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { extname, join, resolve } from "node:path";
import { argv, exit } from "node:process";
import { node } from "./setup/workspace.mjs";

const root = resolve(import.meta.dirname, "..");
const packages = new Map(
  readdirSync(join(root, "packages"))
    .map((name) => ({ name, folder: join(root, "packages", name) }))
    .filter(({ folder }) => existsSync(join(folder, "package.json")))
    .map(({ name, folder }) => [name, { folder, manifest: read(join(folder, "package.json")) }]),
);
const named = argv.slice(2);
const done = new Set();
const publicOnes = [...packages.keys()].filter((name) => !packages.get(name).manifest.private);
for (const name of named.length > 0 ? named : publicOnes) build(name);

function build(name) {
  const found = packages.get(name);
  if (found === undefined) throw new Error(`There is no package ${name}`);
  if (done.has(name)) return;
  done.add(name);
  const { folder, manifest } = found;
  const needed = { ...manifest.dependencies, ...manifest.peerDependencies };
  for (const [other, { manifest: its }] of packages) {
    const optional = manifest.peerDependenciesMeta?.[its.name]?.optional === true;
    if (its.name in needed && !optional) build(other);
  }
  if (manifest.private) return;
  compile(folder, manifest);
  copyAssets(folder);
  if (manifest.scripts?.build) run(folder, ["--run", "build"]);
}

/** Other packages are seen as their users see them: through their `dist`. */
function compile(folder, { bin, exports }) {
  const config = join(folder, ".tsc", "dist.json");
  const { compilerOptions } = read(join(folder, "tsconfig.json"));
  mkdirSync(join(folder, ".tsc"), { recursive: true });
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  const settings = {
    extends: "../../../tsconfig.base.json",
    compilerOptions: {
      ...compilerOptions,
      composite: false,
      declaration: true,
      customConditions: [],
      emitDeclarationOnly: false,
      rootDir: "../src",
      outDir: "../dist",
    },
    // The entry points, and whatever they need.
    files: Object.values(exports)
      .flatMap((entry) => entry["@emberbox/source"] ?? [])
      .concat(bin ? "./src/bin.ts" : [])
      .map((file) => join("..", file)),
  };
  writeFileSync(config, JSON.stringify(settings));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  run(folder, [tsc, "-p", config]);
}

function isAsset(path) {
  return statSync(path).isDirectory() || extname(path) !== ".ts";
}

/** Files that are read when the package runs are beside its modules. */
function copyAssets(folder) {
  cpSync(join(folder, "src"), join(folder, "dist"), { recursive: true, filter: isAsset });
}

function run(folder, parameters) {
  const { status } = spawnSync(node, parameters, { cwd: folder, stdio: "inherit" });
  if (status !== 0) exit(status ?? 1);
}

function read(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
