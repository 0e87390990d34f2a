// From nothing to a first sandbox and to a project, as npm gives it: no clone, and nothing of the workspace.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everything, outside, packAll, pnpm, root } from "../support/pack.ts";

const folder = mkdtempSync(join(tmpdir(), "emberbox-projects-"));
const [packed, empty, made] = ["packed", "empty", "made"].map((name) => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}) as [string, string, string];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const adapters = ["langchain", "ai-sdk", "openai-agents"];
let tarballs: Record<string, string>;
beforeAll(() => {
  tarballs = packAll(packed, [...everything, ...adapters]);
});

/** Runs a program with this Node and without a terminal; fails with what it printed. */
function run(cwd: string, ...[program, ...parameters]: [string, ...string[]]): string {
  const { ANTHROPIC_API_KEY: _none, ...environment } = outside;
  const { status, stdout, stderr } = spawnSync(program, parameters, {
    cwd,
    encoding: "utf8",
    env: environment,
    timeout: 240_000,
  });
  const said = `${stdout}${stderr}`;
  expect(status, `${program} ${parameters.join(" ")}\n${said}`).toBe(0);
  return said;
}

test("npm install emberbox, npx emberbox quickstart: a sandbox, and a file to start from", () => {
  const ours = Object.entries(tarballs).filter(
    ([name]) => !adapters.some((each) => name.endsWith(each)),
  );
  const files = ours.map(([, file]) => file);
  run(empty, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...files);
  const said = run(empty, "npx", "emberbox", "quickstart", "--yes");
  expect(said).toMatch(/count +3\.0/);
  expect(said).toContain("emberbox: wrote first.ts");
  expect(said).toContain("run it with: node first.ts\n");
  const file = join(empty, "first.ts");
  expect(readFileSync(file, "utf8")).toBe(readFileSync(join(root, "examples/first.ts"), "utf8"));

  writeFileSync(file, "mine");
  expect(run(empty, "npx", "emberbox", "quickstart")).toMatch(
    /count +3\.0[^]*first\.ts .* is left as it is/,
  );
  expect(readFileSync(file, "utf8")).toBe("mine");
});

describe("projects that emberbox init makes", () => {
  const names = ["plain", "mcp", ...adapters];
  beforeAll(() => {
    for (const name of names) run(empty, "npx", "emberbox", "init", name, join(made, name));
    const { overrides } = JSON.parse(
      readFileSync(join(made, "langchain/package.json"), "utf8"),
    ) as { overrides: Record<string, string> };
    const workspace = {
      packages: ["*"],
      strictPeerDependencies: true,
      autoInstallPeers: false,
      overrides: { ...overrides, ...tarballs },
    };
    writeFileSync(join(made, "pnpm-workspace.yaml"), JSON.stringify(workspace));
    writeFileSync(join(made, "package.json"), JSON.stringify({ private: true }));
    pnpm(made, ["install", "--ignore-scripts", "--no-frozen-lockfile", "--prefer-offline"]);
  });

  test.each(names)("%s: its types are right", (name) => {
    run(join(made, name), "npm", "run", "check");
  });

  test("plain runs", () => {
    expect(run(join(made, "plain"), "npm", "start")).toMatch(/count +3\.0/);
  });

  test("mcp runs: a client, without a model", () => {
    expect(run(join(made, "mcp"), "npm", "start")).toContain("tools: run_code,");
  });

  test("ai-sdk runs, with a script in the model's place", () => {
    const script = join(root, "examples/support/prices-by-claude.ts");
    const said = run(join(made, "ai-sdk"), "node", "--import", script, "agent.ts");
    expect(said).toContain("The mean is 5.33");
  });
});
