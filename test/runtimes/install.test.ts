// The packages, as npm gives them, beside other runtimes, other compilers and a bundler.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everything, outside, packAll, root } from "../support/pack.ts";

const folder = mkdtempSync(join(tmpdir(), "emberbox-runtimes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const others = ["bun@1", "deno@2", "esbuild@0.28", "typescript@5.9", "@types/node@24"];

/** Runs a program with this Node, and fails with what it printed, unless it may fail. */
function run(program: string, parameters: readonly string[], mayFail = false): string {
  const { status, stdout, stderr } = spawnSync(program, parameters, {
    cwd: folder,
    encoding: "utf8",
    env: outside,
    timeout: 200_000,
  });
  const said = `${stdout}${stderr}`;
  if (!mayFail) expect(status, `${program} ${parameters.join(" ")}\n${said}`).toBe(0);
  return said;
}

const installed = (name: string): string => join(folder, "node_modules/.bin", name);

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

beforeAll(() => {
  const packed = join(folder, "packed");
  mkdirSync(packed);
  write({ "package.json": JSON.stringify({ private: true }) });
  const tarballs = Object.values(packAll(packed, everything));
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs, ...others]);
});

const LIFE = `
import { Sandbox } from "emberbox";
const sandbox = await Sandbox.create();
const { text } = await sandbox.runCode("6 * 7");
await sandbox.files.write("answer", text);
const { stdout } = await sandbox.commands.run("cat answer");
await sandbox.pause();
const again = await Sandbox.connect(sandbox.sandboxId);
console.log(stdout, await again.files.read("answer"));
await again.kill();
`;

describe("the life of a sandbox", () => {
  beforeAll(() => write({ "life.mjs": LIFE }));
  test("in Bun", () => expect(run(installed("bun"), ["life.mjs"])).toBe("42 42\n"));
  test("in Deno", () =>
    expect(run(installed("deno"), ["run", "--allow-all", "--quiet", "life.mjs"])).toBe("42 42\n"));
});

const IMPORTS = `
import { createSandboxTools } from "@emberbox/core/tools";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { createMcpServer } from "@emberbox/mcp";
import { microvm } from "@emberbox/microvm";
import { serve } from "@emberbox/server";
export const made: Promise<all.Sandbox> = Sandbox.create({ provider: microvm() });
export const others = [EmberboxError, createMcpServer, createSandboxTools, serve];
`;

describe.each([
  ["5.9", () => join(folder, "node_modules/typescript/bin/tsc")],
  ["7", () => join(root, "node_modules/typescript/bin/tsc")],
])("TypeScript %s finds the types", (_version, compiler) => {
  beforeAll(() =>
    write({
      "commonjs.cts": `import all = require("emberbox");${IMPORTS}`,
      "module.mts": `import * as all from "emberbox";${IMPORTS}`,
    }),
  );
  const check = (...parameters: string[]): string => {
    const strictly = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "node"];
    const target = ["--target", "es2023", "--lib", "es2023"];
    return run(process.execPath, [compiler(), ...strictly, ...target, ...parameters], true);
  };
  test("in modules and in CommonJS, as Node resolves", () =>
    expect(check("--module", "nodenext", "module.mts", "commonjs.cts")).toBe(""));
  test("as bundlers resolve", () =>
    expect(check("--module", "esnext", "--moduleResolution", "bundler", "module.mts")).toBe(""));
});

const program = (imports: string, options = ""): string => `${imports}
async function main() {
  const sandbox = await Sandbox.create(${options});
  console.log((await sandbox.runCode("6 * 7")).text);
  await sandbox.kill();
}
main().catch((error) => console.log(error.code, error.message, error.hint));
`;

const external = ["--external:emberbox", "--external:@emberbox/*"];
/** What a bundle of the program prints. */
function bundled(file: string, format: "esm" | "cjs", ...parameters: readonly string[]): string {
  const out = `bundle-${format}.${format === "esm" ? "mjs" : "cjs"}`;
  const usual = ["--bundle", "--platform=node", "--log-level=error"];
  run(installed("esbuild"), [
    file,
    ...usual,
    `--format=${format}`,
    `--outfile=${out}`,
    ...parameters,
  ]);
  return run(process.execPath, [out]);
}

describe("bundled by esbuild", () => {
  beforeAll(() =>
    write({
      "program.ts": program(`import { Sandbox } from "emberbox";`),
      "engine.ts": program(
        `import { Sandbox } from "@emberbox/core"; import { microvm } from "@emberbox/microvm";`,
        "{ provider: microvm() }",
      ),
    }),
  );
  test.each(["esm", "cjs"] as const)("as %s, with ours external: it runs", (format) =>
    expect(bundled("engine.ts", format, ...external)).toBe("42\n"),
  );
  test("as CommonJS, with the API in the bundle: the engine is found when it runs", () =>
    expect(bundled("program.ts", "cjs")).toBe("42\n"));
  test("with the engine in the bundle: it says what to tell the bundler", () =>
    expect(bundled("engine.ts", "cjs")).toMatch(
      /^provider_missing .*was bundled.*without the files .* `emberbox` and `@emberbox\/\*` are external/,
    ));
});
