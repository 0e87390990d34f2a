import { EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { Manifest, localBindMountStrategy, mount } from "@openai/agents-core/sandbox";
import { expect, test } from "vitest";
import { capabilities } from "./capabilities.ts";
import { EmberboxSandboxClient } from "./client.ts";
import { sandboxTools } from "./tools.ts";

const none = {
  setTimeout: false,
  pause: false,
  snapshots: false,
  fork: false,
  network: false,
  updateNetwork: false,
};

/** A provider that has no sandboxes, and creates none. */
const empty: SandboxProvider = {
  name: "empty",
  capabilities: none,
  create: () => Promise.reject(new EmberboxError("boot_failed", "It makes none")),
  connect: (id) => Promise.reject(new EmberboxError("sandbox_not_found", `There is no ${id}`)),
  list: async () => [],
  getInfo: (id) => Promise.reject(new EmberboxError("sandbox_not_found", `There is no ${id}`)),
  kill: async () => false,
  async [Symbol.asyncDispose]() {},
};
const client = new EmberboxSandboxClient({ provider: empty });
const saved = { sandboxId: "sb-1", manifest: { root: "/workspace" } };

test("what cannot be honoured is refused before a sandbox is made", async () => {
  const mounted = new Manifest({
    entries: { data: mount({ source: "bucket", mountStrategy: { type: "docker_volume" } }) },
  });
  await expect(client.create({ manifest: mounted })).rejects.toThrow("is a mount");
  const shared = new Manifest({ extraPathGrants: [{ path: "/shared", hostPath: "/srv" }] });
  await expect(client.create({ manifest: shared })).rejects.toThrow("shares none");
  await expect(client.create({ snapshot: { type: "emberbox" } })).rejects.toThrow(
    "cannot keep machines",
  );
  await expect(client.create({ snapshot: { type: "remote" } })).rejects.toThrow("needs a `store`");
  expect(() => new EmberboxSandboxClient({ commandTimeoutMs: -1 })).toThrow("commandTimeoutMs");
  expect(() => new EmberboxSandboxClient({ snapshot: { type: "docker" } })).toThrow("snapshot");
  for (const manifestEntries of [0, Number.NaN, Infinity, "4" as never])
    await expect(client.create({ concurrencyLimits: { manifestEntries } })).rejects.toThrow(
      "`concurrencyLimits`",
    );
});

const bind = (readOnly?: boolean) =>
  mount({
    source: import.meta.dirname,
    mountStrategy: localBindMountStrategy(),
    ...(readOnly !== undefined && { readOnly }),
  });

test("a folder of this machine that a manifest mounts is a workspace of the sandbox", async () => {
  const asked: unknown[] = [];
  const provider: SandboxProvider = {
    ...empty,
    capabilities: { ...none, workspaces: ["review", "readonly"] },
    create: async ({ workspaces = [] }) => {
      asked.push(...workspaces.map(({ host, guest, mode }) => ({ host, guest, mode })));
      throw new EmberboxError("boot_failed", "It makes none");
    },
  };
  const manifest = new Manifest({
    root: "/workspace",
    entries: { seen: bind(), own: bind(false) },
  });
  const options = { provider, workspace: { host: import.meta.dirname, guest: "/srv/more" } };
  const made = new EmberboxSandboxClient(options).create({ manifest });
  await expect(made).rejects.toMatchObject({ details: { code: "boot_failed" } });
  const host = import.meta.dirname;
  expect(asked).toHaveLength(3);
  for (const expected of [
    { host, guest: "/srv/more", mode: "review" },
    { host, guest: "/workspace/seen", mode: "readonly" },
    { host, guest: "/workspace/own", mode: "review" },
  ])
    expect(asked).toContainEqual(expected);
});

test("a failure of the engine is the framework's error, with what to do", async () => {
  const error = await client.create().catch((error: unknown) => error);
  expect(error).toMatchObject({
    code: "provider_error",
    details: { code: "boot_failed", operation: "create" },
  });
});

test("a session whose sandbox is gone does not begin empty", async () => {
  const state = await client.deserializeSessionState(saved);
  await expect(client.resume(state)).rejects.toMatchObject({
    message: expect.stringContaining("nothing was kept of it"),
    code: "snapshot_not_restorable",
  });
  const lost = {
    ...saved,
    snapshot: { type: "local", id: "6a9a8f80-0000-4000-8000-000000000000" },
  };
  await expect(client.resume(await client.deserializeSessionState(lost))).rejects.toThrow(
    "cannot be read",
  );
});

test("state from elsewhere is not trusted", async () => {
  const validate = (state: Record<string, unknown>) =>
    client.validateSessionStateForResume({ source: "runState", state });
  validate(saved);
  expect(() => validate({ manifest: {} })).toThrow("not the state of an Emberbox session");
  expect(() => validate({ ...saved, snapshot: { type: "elsewhere", id: "x" } })).toThrow(
    "not the state",
  );
  expect(() => validate({ ...saved, snapshot: { type: "remote", id: "x" } })).toThrow(
    "needs a `store`",
  );
  expect(() => validate({ ...saved, snapshotSpec: { type: "elsewhere" } })).toThrow(
    "not the state",
  );
  expect(() => validate({ ...saved, configuredExposedPorts: [70_000] })).toThrow("not the state");
  const address = { host: "127.0.0.1", port: 1 };
  validate({ ...saved, exposedPorts: { 8000: address } });
  expect(() => validate({ ...saved, exposedPorts: { "8000x": address } })).toThrow("not the state");
  const outside = { ...saved, snapshot: { type: "local", id: "../../etc/passwd" } };
  await expect(client.resume(await client.deserializeSessionState(outside))).rejects.toThrow(
    "not the id",
  );
});

test("options are checked when things are made", () => {
  const make: [make: () => unknown, message: string][] = [
    [() => new EmberboxSandboxClient({ memoryMb: 5 } as never), "Unknown option `memoryMb`"],
    [() => new EmberboxSandboxClient({ provider: empty, network: false }), "cannot restrict"],
    [() => new EmberboxSandboxClient({ exposedPorts: [0] }), "`exposedPorts`"],
    [() => new EmberboxSandboxClient({ archiveLimits: { maxMembers: 0 } }), "maxMembers"],
    [() => capabilities({ timeoutMs: -1 }), "`timeoutMs`"],
    [() => capabilities({ runCode: { maxPictures: -1 } }), "`maxPictures`"],
    [() => sandboxTools(empty, { needsApproval: "yes" as never }), "`needsApproval`"],
  ];
  for (const [each, message] of make) expect(each).toThrow(message);
});
