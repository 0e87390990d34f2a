import { EmberboxError, type SandboxInfo } from "@emberbox/core";
import type { SandboxConnection, SandboxProvider } from "@emberbox/core/provider";

export interface Pretended extends SandboxProvider {
  /** Ends a sandbox, as its time or its machine would. */
  end(sandboxId: string): void;
  /** Pauses one, as its time would. */
  pauseByItself(sandboxId: string): void;
}

/** Sandboxes that only have a state: for tests of what the server remembers of them. */
export function pretendedSandboxes(): Pretended {
  const sandboxes = new Map<string, SandboxInfo>();
  let count = 0;
  const find = (sandboxId: string): SandboxInfo => {
    const info = sandboxes.get(sandboxId);
    if (info === undefined) throw new EmberboxError("sandbox_not_found", "It is not there");
    return info;
  };
  const set = (sandboxId: string, state: SandboxInfo["state"]): void =>
    void sandboxes.set(sandboxId, { ...find(sandboxId), state });
  const connection = (sandboxId: string): SandboxConnection => ({
    sandboxId,
    endpoint: () => {
      throw new EmberboxError("sandbox_died", "Nothing is in it");
    },
    gone: () => (sandboxes.has(sandboxId) ? undefined : new Error("gone")),
  });
  return {
    name: "pretended",
    capabilities: {
      ...{ setTimeout: true, pause: true, snapshots: true, fork: true },
      ...{ network: true, updateNetwork: true, networkCeiling: true },
    },
    async create({ metadata = {} }) {
      const sandboxId = `i${String((count += 1)).padStart(20, "0")}`;
      sandboxes.set(sandboxId, {
        ...{ sandboxId, template: "default", metadata, state: "running" },
        ...{ startedAt: new Date(), endAt: new Date(Date.now() + 300_000) },
        ...{ cpuCount: 1, memoryMB: 512, diskMB: 1024 },
      });
      return connection(sandboxId);
    },
    async connect(sandboxId) {
      set(sandboxId, "running");
      return connection(sandboxId);
    },
    list: async () => [...sandboxes.values()],
    getInfo: async (sandboxId) => find(sandboxId),
    kill: async (sandboxId) => sandboxes.delete(sandboxId),
    setTimeout: async (sandboxId) => void find(sandboxId),
    updateNetwork: async (sandboxId) => void find(sandboxId),
    async pause(sandboxId) {
      const wasRunning = find(sandboxId).state === "running";
      set(sandboxId, "paused");
      return wasRunning;
    },
    async createSnapshot(sandboxId) {
      find(sandboxId);
      return { snapshotId: "snapshot", names: [], sandboxId, createdAt: new Date() };
    },
    listSnapshots: async () => [],
    deleteSnapshot: async () => false,
    async addressesOf(host) {
      if (host === "127.0.0.1") return [host];
      throw new EmberboxError("invalid_argument", `It may not be reached: ${host}`);
    },
    end: (sandboxId) => void sandboxes.delete(sandboxId),
    pauseByItself: (sandboxId) => set(sandboxId, "paused"),
    [Symbol.asyncDispose]: async () => {},
  };
}
