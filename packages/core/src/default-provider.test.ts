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
import { afterEach, expect, test, vi } from "vitest";
import { defaultProvider } from "./default-provider.ts";
import { Sandbox } from "./sandbox.ts";
import { SandboxSessions } from "./sessions/sandbox-sessions.ts";

afterEach(() => vi.unstubAllEnvs());

test("a provider that there is not is refused, everywhere", async () => {
  vi.stubEnv("EMBERBOX_PROVIDER", "cloud");
  const message = "EMBERBOX_PROVIDER is `cloud`; the providers are: microvm, e2b";
  const wrong = expect.objectContaining({ code: "invalid_argument", message });
  await expect(Sandbox.list()).rejects.toEqual(wrong);
  await using sessions = new SandboxSessions();
  await expect(sessions.acquire()).rejects.toEqual(wrong);
});

test("EMBERBOX_PROVIDER names the one provider of the program, whichever copy of this package asks", async () => {
  vi.stubEnv("EMBERBOX_PROVIDER", "e2b");
  vi.stubEnv("E2B_API_KEY", `e2b_${"7".repeat(40)}`);
  const provider = await defaultProvider();
  expect(provider.name).toBe("e2b");
  expect(await new SandboxSessions().source.provider()).toBe(provider);
  const copy = "./default-provider.ts?copy";
  const other = (await import(copy)) as { defaultProvider: typeof defaultProvider };
  expect(other.defaultProvider).not.toBe(defaultProvider);
  expect(await other.defaultProvider()).toBe(provider);
});

const core = join(import.meta.dirname, "..");

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
    const { stdout, stderr } = spawnSync("node", ["--no-warnings", program], {
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
