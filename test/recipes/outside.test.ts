// The recipe for a provider, as a stranger would use it: its code in a package of its own, outside of the repository.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import { checkedProvider, type SandboxProvider } from "@emberbox/core/provider";
import { type Runner, describeProvider } from "@emberbox/conformance";
import { microvm } from "@emberbox/microvm";
import { MockAgent } from "undici";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const recipe = readFileSync(join(root, "docs/recipes.md"), "utf8");
const files = ["spread.ts", "spread.suite.ts"];
const dependencies: Readonly<Record<string, string>> = {
  "@emberbox/core": "packages/core",
  "@emberbox/conformance": "packages/conformance",
  "@emberbox/microvm": "packages/microvm",
  vitest: "node_modules/vitest",
};

const directory = mkdtempSync(join(tmpdir(), "emberbox-outside-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module", dependencies }));
for (const [name, path] of Object.entries(dependencies)) {
  const link = join(directory, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(root, path), link);
}
for (const file of files) writeFileSync(join(directory, file), snippet(`test/recipes/${file}`));

const { spread } = (await import(join(directory, "spread.ts"))) as typeof import("./spread.ts");

function snippet(source: string): string {
  const [, text] = recipe.split(`<!-- source: ${source} -->\n\n\`\`\`ts\n`);
  return text!.slice(0, text!.indexOf("```"));
}

/** Does what is a provider's own affair, without machines: nothing inside its sandboxes answers. */
function paper(): SandboxProvider {
  const sandboxes = new Map<string, SandboxInfo>();
  const dispatcher = new MockAgent();
  dispatcher.disableNetConnect();
  const infoOf = (sandboxId: string): SandboxInfo => {
    const info = sandboxes.get(sandboxId);
    if (info === undefined) throw new EmberboxError("sandbox_not_found", "it is not here");
    return info;
  };
  const connection = ({ sandboxId }: SandboxInfo) => ({
    sandboxId,
    endpoint: (port: number) => ({ origin: `http://sandbox:${port}`, headers: {}, dispatcher }),
    gone: () =>
      sandboxes.has(sandboxId) ? undefined : new EmberboxError("sandbox_closed", "it was killed"),
  });
  return checkedProvider({
    name: "paper",
    capabilities: {
      setTimeout: true,
      pause: false,
      snapshots: false,
      fork: false,
      network: false,
      updateNetwork: false,
    },
    async create({ template = "default", metadata = {}, timeoutMs = 300_000 }) {
      if (template !== "default") throw new EmberboxError("unknown_template", `no ${template}`);
      const startedAt = new Date();
      const info: SandboxInfo = {
        sandboxId: crypto.randomUUID().replaceAll("-", ""),
        template,
        metadata,
        startedAt,
        endAt: new Date(startedAt.getTime() + timeoutMs),
        cpuCount: 1,
        memoryMB: 1024,
        diskMB: 4096,
        state: "running",
      };
      sandboxes.set(info.sandboxId, info);
      return connection(info);
    },
    connect: async (sandboxId) => connection(infoOf(sandboxId)),
    list: async () => [...sandboxes.values()],
    getInfo: async (sandboxId) => infoOf(sandboxId),
    kill: async (sandboxId) => sandboxes.delete(sandboxId),
    async setTimeout(sandboxId, timeoutMs) {
      const endAt = new Date(Date.now() + timeoutMs);
      sandboxes.set(sandboxId, { ...infoOf(sandboxId), endAt });
    },
    [Symbol.asyncDispose]: () => dispatcher.close(),
  });
}

/** Behaviours for which nothing has to run inside a sandbox. */
const own =
  /^(?:sandbox\.(?:info|list|set-timeout|kill|not-found|dispose|bad-options|hostile-arguments|create-aborted)|[\w.-]+[.-]unclaimed):/;
/** Behaviours that a provider's own methods decide; the others are those of the sandboxes that it passes on. */
const passedOn = /^(?:sandbox|lifecycle|pause|snapshot|fork|network|ports)\./;

/** Runs the part of the suite whose names match, and adds them to `registered`. */
const runnerOf = (pattern: RegExp, registered: string[] = []): Runner => ({
  describe,
  expect,
  afterAll,
  test: Object.assign(
    (name: string, body: () => Promise<void>, timeoutMs?: number) => {
      if (!pattern.test(name)) return;
      registered.push(name);
      test(name, body, timeoutMs);
    },
    { skip: () => {} },
  ),
});

const answered: string[] = [];
const ownRunner = runnerOf(own, answered);
describeProvider("spread, without machines", () => spread([paper(), paper()]), ownRunner);

test("what a provider answers for itself was tested, what it claims and what it does not", () => {
  expect(answered.map((name) => name.split(":")[0]).toSorted()).toEqual([
    "checkpoint.unclaimed",
    "fork.unclaimed",
    "network.unclaimed",
    "network.update-unclaimed",
    "pause.kept-for-unclaimed",
    "pause.unclaimed",
    "sandbox.bad-options",
    "sandbox.create-aborted",
    "sandbox.dispose",
    "sandbox.hostile-arguments",
    "sandbox.info",
    "sandbox.kill",
    "sandbox.list",
    "sandbox.not-found",
    "sandbox.set-timeout",
    "snapshot.unclaimed",
    "template.unclaimed",
    "workspace.unclaimed",
  ]);
});

test("sandboxes come from the providers in turn", async () => {
  const providers = [paper(), paper()];
  onTestFinished(async () => {
    for (const each of providers) await each[Symbol.asyncDispose]();
  });
  const provider = spread(providers);
  for (let made = 0; made < 4; made++) await provider.create({});
  expect(await Promise.all(providers.map(async (each) => (await each.list()).length))).toEqual([
    2, 2,
  ]);
});

// The whole suite takes a quarter of an hour, and has run over the engine itself already.
if (process.env["EMBERBOX_WHOLE_RECIPE"] === "1") {
  await import(join(directory, "spread.suite.ts"));
} else {
  test.skip("the whole suite runs on machines (EMBERBOX_WHOLE_RECIPE=1 runs it)", () => {});
  describeProvider("spread", () => spread([microvm(), microvm()]), runnerOf(passedOn));
}
