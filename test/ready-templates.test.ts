// Templates that come as recipes. Building most of them takes minutes and Debian's packages, so this is for whoever has
// built them; `npm run test:ready` builds them first.
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Sandbox as Desktop } from "@e2b/desktop";
import { Sandbox, Template } from "@emberbox/core";
import { setGlobalDispatcher } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readyTemplate } from "../packages/microvm/src/ready/index.ts";
import { findRegistry } from "../packages/microvm/src/network/testing/registry.ts";
import { driveDesktop, watchDesktop } from "./e2b/support/desktop.ts";
import { type Served, startServed } from "./e2b/support/served.ts";
import { engine } from "./support/sandboxes.ts";
import { resolveLocalhost, temporaryDirectory } from "./support/server.ts";

const HOUR_MS = 3_600_000;
const timeoutMs = 600_000;
const builds = process.env["EMBERBOX_TEST_READY"] === "1";
/** Where a sandbox finds packages, and whom it has to trust there: both need not be what is usual. */
const { allowOut, ca } = builds ? await packageHosts() : { allowOut: [], ca: [] };
const provider = engine(undefined, {
  buildImages: builds,
  buildNetwork: { allowOut, denyOut: ["0.0.0.0/0"] },
  network: { ca },
});
afterAll(() => provider[Symbol.asyncDispose]());

async function packageHosts(): Promise<{ allowOut: string[]; ca: string[] }> {
  await using plain = engine();
  await using sandbox = await Sandbox.create({ provider: plain, network: false });
  const { stdout } = await sandbox.commands.run(
    "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>&1",
  );
  const hosts = [...stdout.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host!);
  const found = await Promise.all([...new Set(hosts)].map((host) => lookup(host, 4)));
  const npm = await findRegistry();
  return {
    allowOut: [...hosts, ...found.map(({ address }) => address), ...npm.allowOut],
    ca: npm.ca === "" ? [] : [npm.ca],
  };
}

async function isBuilt(name: string): Promise<boolean> {
  return Object.hasOwn(await provider.templateSizes!(), name);
}

/** Tests of a template in one sandbox of it, if it is there. */
function describeReady(name: string, define: (sandbox: () => Sandbox) => void): void {
  describe(name, async () => {
    if (!builds && !(await isBuilt(name))) {
      test.skip(`SKIPPED: ${name} is not built; \`emberbox build ${name}\` builds it`, () => {});
      return;
    }
    let sandbox: Sandbox | undefined;
    beforeAll(async () => {
      sandbox = await Sandbox.create(name, { provider, timeoutMs: HOUR_MS });
    }, HOUR_MS);
    afterAll(async () => void (await sandbox?.kill()));
    define(() => sandbox!);
  });
}

// It takes no packages, so it is built here.
describe("node", () => {
  const name = `from-node-${process.pid}`;
  const builder = engine(undefined, { buildImages: true });
  afterAll(async () => {
    await Template.delete(name, { provider: builder });
    await builder[Symbol.asyncDispose]();
  });

  test(
    "templates begin with it, and their code is JavaScript",
    async () => {
      await Template.build(Template().fromTemplate("node").setEnvs({ SHOP: "flowers" }), {
        ...{ name, provider: builder },
      });
      const sandbox = await Sandbox.create(name, { provider: builder });
      expect((await sandbox.runCode("[typeof require, process.env.SHOP].join()")).text).toContain(
        "flowers",
      );
      const context = await sandbox.createCodeContext();
      expect(context.language).toBe("javascript");
      expect((await sandbox.runCode("let n: number = 2; n", { language: "ts" })).text).toBe("2");
      expect((await sandbox.runCode("1 + 1", { language: "python" })).text).toBe("2");
      await sandbox.files.write("/home/user/b.ts", "const n: number = 3; console.log(n);");
      expect((await sandbox.commands.run("node b.ts")).stdout).toBe("3\n");
      await sandbox.kill();
    },
    timeoutMs,
  );

  test("what is built of a recipe is listed under its name, and only there", async () => {
    const sizes = await builder.templateSizes!();
    expect(sizes["node"]).toBeGreaterThan(1e6);
    expect(sizes["default"]).toBeGreaterThan(1e8);
    const names = (await Template.list({ provider: builder })).map((each) => each.name);
    expect(names).toContain(name);
    expect(names.filter((each) => each.startsWith("ready-"))).toEqual([]);
    const { builtAs } = (await readyTemplate("node"))!;
    for (const taken of ["node", builtAs])
      await expect(
        Template.build(Template().fromBaseImage(), { name: taken, provider: builder }),
      ).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await Template.delete("node", { provider: builder })).toBe(true);
    expect(await builder.templateSizes!()).not.toHaveProperty("node");
  });
});

describeReady("java", (sandbox) => {
  test("its kernel runs already, and has the sandbox's variables", async () => {
    const { stdout } = await sandbox().commands.run("pgrep -cx java");
    expect(stdout).toBe("1\n");
    const first = await sandbox().runCode('System.getenv("E2B_SANDBOX_ID")', { timeoutMs });
    expect(first).toMatchObject({ executionCount: 1, text: `"${sandbox().sandboxId}"` });
    const envs = { GIVEN: "once" };
    const once = await run('System.getenv("GIVEN")', envs);
    expect(once.text).toBe('"once"');
    expect((await run('System.getenv("GIVEN")')).text).toBe("null");
  });

  const run = (code: string, envs?: Record<string, string>): ReturnType<Sandbox["runCode"]> =>
    sandbox().runCode(code, { language: "java", timeoutMs, envs });

  test("cells keep what they declare, and have values and output", async () => {
    expect((await run("int x = 40; record Point(int a, String b) {}")).error).toBeUndefined();
    expect((await run("x + 2")).text).toBe("42");
    const { text, logs } = await run(
      'System.out.println("é\\0 " + x); System.err.println("why"); new Point(1, "z")',
    );
    expect(text).toBe("Point[a=1, b=z]");
    expect(logs.stdout.join("")).toBe("é\0 40\n");
    expect(logs.stderr.join("")).toBe("why\n");
    const sum = "int sum(int n) {\n  return n < 1 ? 0 : n + sum(n - 1);\n}\nsum(10)";
    expect((await run(sum)).text).toBe("55");
    expect((await run("var all = new ArrayList<Integer>();\nall.add(1);")).error).toBeUndefined();
  });

  test("what fails says why, and what was declared stays", async () => {
    const compiled = await run("int y = 1;\nString s = 5;\nint z = 2;");
    expect(compiled.error).toMatchObject({
      name: "CompileError",
      value: expect.stringContaining("incompatible types"),
    });
    const thrown = await run("List.of(1).get(7)");
    expect(thrown.error?.name).toBe("java.lang.IndexOutOfBoundsException");
    expect(thrown.error?.traceback).toContain("at ");
    expect((await run("x + y")).text).toBe("41");
  });

  test("a loop is interrupted", async () => {
    const controller = new AbortController();
    const running = sandbox().runCode('System.out.println("on");\nwhile (true) Thread.sleep(5);', {
      ...{ language: "java", timeoutMs, signal: controller.signal },
      onStdout: () => controller.abort(new Error("enough")),
    });
    await expect(running).rejects.toThrow("enough");
    expect((await run("x")).text).toBe("40");
  });
});

describeReady("browser", (sandbox) => {
  test("Playwright drives Chromium from a cell", async () => {
    const code = `
const { chromium } = await import("playwright-core");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", timeout: 0 });
const page = await browser.newPage();
await page.goto("data:text/html,<title>hello</title><h1>there</h1>", { timeout: 0 });
const text = await page.title() + " " + await page.textContent("h1");
await browser.close();
text`;
    const { text, error } = await sandbox().runCode(code, { language: "javascript", timeoutMs });
    expect(error).toBeUndefined();
    expect(text).toBe("hello there");
  });
});

describeReady("desktop", () => {
  let served: Served;
  beforeAll(async () => {
    served = await startServed(temporaryDirectory(), "--tls-self-signed");
    const own = readFileSync(served.variables["NODE_EXTRA_CA_CERTS"]!, "utf8");
    setDefaultCACertificates([...getCACertificates("default"), own]);
    setGlobalDispatcher(resolveLocalhost());
  });
  afterAll(() => served?.end());

  test("E2B's SDK sees and drives it, and shows it to browsers", { timeout: HOUR_MS }, async () => {
    const desktop = await Desktop.create({
      ...{ ...served.options, timeoutMs: HOUR_MS, requestTimeoutMs: timeoutMs },
      resolution: [1024, 768],
    });
    try {
      await driveDesktop(desktop);
      await desktop.stream.start({ requireAuth: true });
      const address = desktop.stream.getUrl({ authKey: desktop.stream.getAuthKey() });
      const { page, greeting } = await watchDesktop(address);
      expect(page).toContain("<title>noVNC</title>");
      expect(greeting).toMatch(/^RFB 003\.008\n/);
      await desktop.stream.stop();
      await expect(watchDesktop(address)).rejects.toThrow();
    } finally {
      await desktop.kill();
    }
  });
});
