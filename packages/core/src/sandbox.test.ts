import { expect, test } from "vitest";
import { EmberboxError } from "./errors.ts";
import type { CreateOptions, SandboxProvider } from "./provider.ts";
import { Sandbox } from "./sandbox.ts";
import type { SandboxCreateOptions } from "./sandbox-options.ts";

const asked: CreateOptions[] = [];
const killed: string[] = [];
const provider: SandboxProvider = {
  name: "fake",
  capabilities: Object.freeze({ setTimeout: false }),
  create: async (options) => {
    asked.push(options);
    return connection("made");
  },
  connect: async (id) => connection(id),
  list: async () => [],
  getInfo: () => Promise.reject(new EmberboxError("sandbox_not_found", "no")),
  kill: async (id) => killed.push(id) > 0,
  [Symbol.asyncDispose]: async () => {},
};

function connection(sandboxId: string): Awaited<ReturnType<SandboxProvider["create"]>> {
  return {
    sandboxId,
    endpoint: () => expect.fail("nothing is sent"),
    gone: () => undefined,
  };
}

/** As a package with a provider of its own does it. */
class BoundSandbox extends Sandbox {
  static override create(options?: Partial<SandboxCreateOptions>): Promise<BoundSandbox>;
  static override create(
    template: string,
    options?: Partial<SandboxCreateOptions>,
  ): Promise<BoundSandbox>;
  static override create(
    first?: string | Partial<SandboxCreateOptions>,
    second?: Partial<SandboxCreateOptions>,
  ): Promise<BoundSandbox> {
    if (typeof first === "string") return super.create(first, { provider, ...second });
    return super.create({ provider, ...first });
  }
}

test("a template's name may come first, and the provider sees the options without itself", async () => {
  await Sandbox.create("other", { provider, memoryMB: 512 });
  expect(asked.at(-1)).toEqual({ template: "other", memoryMB: 512 });
});

test("a subclass can bind a provider", async () => {
  const sandbox = await BoundSandbox.create();
  expect(sandbox).toBeInstanceOf(BoundSandbox);
  expect(sandbox).toBeInstanceOf(Sandbox);
  await BoundSandbox.create("named", { cpuCount: 2 });
  expect(asked.at(-1)).toEqual({ template: "named", cpuCount: 2 });
});

test("leaving the scope kills the sandbox and leaves the provider alone", async () => {
  {
    await using sandbox = await Sandbox.connect("mine", { provider });
    expect(sandbox.sandboxId).toBe("mine");
  }
  expect(killed).toContain("mine");
});

test("what a provider cannot do is said", async () => {
  const sandbox = await Sandbox.create({ provider });
  await expect(sandbox.setTimeout(1000)).rejects.toMatchObject({ code: "unsupported" });
});
