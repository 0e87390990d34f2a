import { expect, test } from "vitest";
import { EmberboxError } from "./errors.ts";
import type { CreateOptions, SandboxProvider } from "./provider.ts";
import { checkedProvider } from "./checked-provider.ts";
import { Sandbox } from "./sandbox.ts";
import type { SandboxCreateOptions } from "./sandbox-options.ts";

const asked: CreateOptions[] = [];
const killed: string[] = [];
const provider: SandboxProvider = {
  name: "fake",
  capabilities: Object.freeze({
    setTimeout: false,
    pause: false,
    snapshots: false,
    fork: false,
    network: false,
    updateNetwork: false,
  }),
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

/** What a package with a provider of its own does. */
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
  const refused = { code: "unsupported" };
  await expect(sandbox.setTimeout(1000)).rejects.toMatchObject(refused);
  await expect(sandbox.pause()).rejects.toMatchObject(refused);
  await expect(sandbox.createSnapshot()).rejects.toMatchObject(refused);
  await expect(sandbox.listSnapshots()).rejects.toMatchObject(refused);
  await expect(sandbox.fork()).rejects.toMatchObject(refused);
  await expect(Sandbox.deleteSnapshot("x", { provider })).rejects.toMatchObject(refused);
  await expect(sandbox.updateNetwork(false)).rejects.toMatchObject(refused);
  await expect(sandbox.getNetworkLog()).rejects.toMatchObject(refused);
});

test("rules that a provider would take to be for all requests are refused", async () => {
  const updated: unknown[] = [];
  const capabilities = { ...provider.capabilities, network: true, updateNetwork: true };
  const updateNetwork = async (_id: string, network: unknown) => void updated.push(network);
  const plain: SandboxProvider = { ...provider, capabilities, updateNetwork };
  const rule = { transform: { headers: { "x-key": "value" } } };
  const one = { rules: { "x.org": [rule] } };
  const some = { rules: { "x.org": [{ match: { methods: ["GET"] }, ...rule }] } };
  const two = { rules: { "x.org": [rule, rule] } };
  const sandbox = await Sandbox.create({ provider: plain, network: one });
  await sandbox.updateNetwork(one);
  for (const network of [some, two]) {
    const refused = { code: "unsupported", message: expect.stringContaining("one rule") };
    await expect(Sandbox.create({ provider: plain, network })).rejects.toMatchObject(refused);
    await expect(sandbox.updateNetwork(network)).rejects.toMatchObject(refused);
    await expect(checkedProvider(plain).updateNetwork!("id", network)).rejects.toMatchObject(
      refused,
    );
    await expect(checkedProvider(plain).create({ network })).rejects.toMatchObject(refused);
  }
  const able = { ...plain, capabilities: { ...capabilities, requestRules: true } };
  await (await Sandbox.create({ provider: able, network: some })).updateNetwork(two);
  expect(updated).toEqual([one, two]);
  const wrong = { rules: { "x.org": [{ match: { method: "GET" }, ...rule }] } };
  await expect(Sandbox.create({ provider: able, network: wrong as never })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("what a snapshot, a fork or a lifecycle cannot be is said", async () => {
  const sandbox = await Sandbox.create({ provider });
  const refused = { code: "invalid_argument" };
  await expect(sandbox.createSnapshot({ name: "../up" })).rejects.toMatchObject(refused);
  await expect(sandbox.fork({ count: 101 })).rejects.toMatchObject(refused);
  await expect(sandbox.pause({ keepDisk: true } as never)).rejects.toMatchObject(refused);
  const lifecycle = { autoResume: true };
  await expect(Sandbox.create({ provider, lifecycle })).rejects.toMatchObject(refused);
});

const create = (options: object): Promise<Sandbox> => Sandbox.create({ provider, ...options });

test("what a network or a secret cannot be is said, without the secret", async () => {
  const refused = {
    code: "invalid_argument",
    message: expect.not.stringContaining("s3cret-value"),
  };
  await expect(create({ network: "off" })).rejects.toMatchObject(refused);
  await expect(create({ network: { allow: ["x.org"] } })).rejects.toMatchObject(refused);
  await expect(create({ network: { allowOut: [""] } })).rejects.toMatchObject(refused);
  const transform = { headers: { "x\r\ny": "z" } };
  await expect(create({ network: { rules: { "x.org": [{ transform }] } } })).rejects.toMatchObject(
    refused,
  );
  await expect(
    create({ secrets: { KEY: { value: "s3cret-value\n", hosts: ["x.org"] } } }),
  ).rejects.toMatchObject(refused);
  await expect(
    create({ secrets: { KEY: { value: "s3cret-value", hosts: [] } } }),
  ).rejects.toMatchObject(refused);
  await expect(
    create({ secrets: { "A B": { value: "s3cret-value", hosts: ["x.org"] } } }),
  ).rejects.toMatchObject(refused);
});

test("a sandbox that was connected to says why it has no workspace", async () => {
  const keeping = {
    ...provider,
    capabilities: { ...provider.capabilities, workspaces: ["review"] },
  };
  for (const [from, hint] of [
    [provider, /The provider fake does not keep what it was created with/],
    [keeping as SandboxProvider, /^Create it with `workspace: folder`\.$/],
  ] as const) {
    const sandbox = new Sandbox(connection("made"), from);
    expect(sandbox.workspaces).toEqual([]);
    expect(() => sandbox.workspace).toThrow(
      expect.objectContaining({ code: "invalid_argument", hint: expect.stringMatching(hint) }),
    );
  }
});
