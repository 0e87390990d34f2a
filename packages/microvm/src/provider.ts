import { EmberboxError, type SandboxConnection, type SandboxProvider } from "@emberbox/core";
import { type Engine, openEngine } from "./engine.ts";
import {
  type MicrovmOptions,
  type ResolvedCreateOptions,
  resolveCreateOptions,
  resolveMicrovmOptions,
} from "./options.ts";
import { createPool, type Pool } from "./pool.ts";
import { infoOf, type LocalSandbox } from "./sandbox.ts";

interface Entry {
  readonly sandbox: LocalSandbox;
  readonly options: ResolvedCreateOptions;
  endAt: Date;
  timer: NodeJS.Timeout;
}

/** Sandboxes as microVMs on this machine. They belong to this program, and end with it. */
export function microvm(options: MicrovmOptions = {}): SandboxProvider {
  const settings = resolveMicrovmOptions(options);
  const entries = new Map<string, Entry>();
  let engine: Promise<Engine> | undefined;
  let pool: Pool | undefined;
  let closed = false;

  const open = (): Promise<Engine> => {
    engine ??= openEngine(settings).catch((error: unknown) => {
      engine = undefined;
      throw error;
    });
    return engine;
  };
  const find = (sandboxId: string): Entry => {
    const entry = entries.get(sandboxId);
    if (!entry)
      throw new EmberboxError(
        "sandbox_not_found",
        `no sandbox \`${sandboxId}\` is running in this program`,
      );
    return entry;
  };
  const close = async (entry: Entry, reason: EmberboxError): Promise<void> => {
    clearTimeout(entry.timer);
    entries.delete(entry.sandbox.sandboxId);
    await entry.sandbox.close(reason);
  };
  const endAfter = (
    entry: Pick<Entry, "sandbox">,
    timeoutMs: number,
  ): Pick<Entry, "endAt" | "timer"> => {
    const expire = (): void => {
      const known = entries.get(entry.sandbox.sandboxId);
      if (known)
        void close(
          known,
          new EmberboxError("sandbox_closed", `the sandbox reached the end of its ${timeoutMs} ms`),
        );
    };
    // A sandbox does not keep its program alive; it ends with it.
    return {
      endAt: new Date(Date.now() + timeoutMs),
      timer: setTimeout(expire, timeoutMs).unref(),
    };
  };
  const setTimeoutOf = (entry: Entry, timeoutMs: number): void => {
    clearTimeout(entry.timer);
    Object.assign(entry, endAfter(entry, timeoutMs));
  };

  const obtain = async (resolved: ResolvedCreateOptions): Promise<LocalSandbox> => {
    const { signal } = resolved;
    const ready = await open();
    if (settings.pool?.size)
      pool ??= createPool(ready, resolveCreateOptions({}), settings.pool.size);
    const spare = isDefaultShape(resolved) ? pool?.take() : undefined;
    if (!spare) return ready.restore(resolved, signal);
    if (Object.keys(resolved.envs).length > 0) {
      await spare.hello({
        sandboxId: spare.sandboxId,
        accessToken: undefined,
        envs: resolved.envs,
        growDisk: false,
      });
    }
    return spare;
  };

  return {
    name: "microvm",
    capabilities: Object.freeze({ setTimeout: true }),
    async create(createOptions) {
      const resolved = resolveCreateOptions(createOptions);
      if (closed) throw new EmberboxError("sandbox_closed", "this provider was closed");
      resolved.signal?.throwIfAborted();
      const sandbox = await obtain(resolved);
      if (closed) {
        const reason = new EmberboxError("sandbox_closed", "this provider was closed");
        await sandbox.close(reason);
        throw reason;
      }
      const entry: Entry = {
        sandbox,
        options: resolved,
        ...endAfter({ sandbox }, resolved.timeoutMs),
      };
      entries.set(sandbox.sandboxId, entry);
      void sandbox.ended.then(() => {
        clearTimeout(entry.timer);
        entries.delete(sandbox.sandboxId);
      });
      return connectionTo(sandbox);
    },
    async connect(sandboxId, connectOptions) {
      const entry = find(sandboxId);
      const timeoutMs = connectOptions?.timeoutMs;
      if (timeoutMs !== undefined && Date.now() + timeoutMs > entry.endAt.getTime())
        setTimeoutOf(entry, timeoutMs);
      return connectionTo(entry.sandbox);
    },
    list: async () =>
      [...entries.values()].map((entry) => infoOf(entry.sandbox, entry.options, entry.endAt)),
    async getInfo(sandboxId) {
      const entry = find(sandboxId);
      return infoOf(entry.sandbox, entry.options, entry.endAt);
    },
    async kill(sandboxId) {
      const entry = entries.get(sandboxId);
      if (!entry) return false;
      await close(entry, new EmberboxError("sandbox_closed", "the sandbox was killed"));
      return true;
    },
    async setTimeout(sandboxId, timeoutMs) {
      const entry = find(sandboxId);
      if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 2 ** 31 - 1) {
        throw new EmberboxError(
          "invalid_argument",
          `Expected \`timeoutMs\` to be a positive number of milliseconds, got \`${timeoutMs}\``,
        );
      }
      setTimeoutOf(entry, timeoutMs);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const reason = new EmberboxError("sandbox_closed", "this provider was closed");
      await Promise.all([
        pool?.close(),
        ...[...entries.values()].map((entry) => close(entry, reason)),
      ]);
    },
  };
}

function connectionTo(sandbox: LocalSandbox): SandboxConnection {
  return {
    sandboxId: sandbox.sandboxId,
    endpoint: (port) => sandbox.endpoint(port),
    gone: () => sandbox.gone(),
  };
}

function isDefaultShape(options: ResolvedCreateOptions): boolean {
  const usual = resolveCreateOptions({});
  return (["template", "memoryMB", "cpuCount", "diskMB"] as const).every(
    (key) => options[key] === usual[key],
  );
}
