import { type AuditRecorder, recordCall } from "@emberbox/core/audit";
import { background } from "@emberbox/core/background";
import type { CreateOptions, SandboxConnection, SandboxProvider } from "@emberbox/core/provider";

/** What is done to a sandbox, each method's first argument. */
const RECORDED = new Set<PropertyKey>([
  ...["connect", "kill", "pause", "setTimeout", "updateNetwork", "createSnapshot", "fork"],
  ...["createCheckpoint", "deleteCheckpoint", "rollback", "branch"],
]);

type Method = (...args: unknown[]) => unknown;

/** The same provider, with what is done to sandboxes recorded, and what they try to reach. */
export function auditedProvider(of: SandboxProvider, recorder: AuditRecorder): SandboxProvider {
  const watched = new WeakSet<object>();

  /** Records the end of a sandbox. */
  function watch({ sandboxId, ended }: SandboxConnection): void {
    if (ended === undefined || watched.has(ended)) return;
    watched.add(ended);
    const record = (): void => {
      const why = ended.reason instanceof Error ? ended.reason.message : undefined;
      background(recorder.after({ sandboxId, event: "ended", why }), () => {});
    };
    ended.addEventListener("abort", record, { once: true });
  }

  async function create(options: CreateOptions): Promise<SandboxConnection> {
    const { onNetwork } = options;
    const connection = await of.create({
      ...options,
      ...(of.getNetworkLog && {
        onNetwork: (event) => {
          recorder.network(event);
          return onNetwork?.(event);
        },
      }),
    });
    const { template, memoryMB, cpuCount, diskMB, metadata, lifecycle } = options;
    const facts = { template, memoryMB, cpuCount, diskMB, metadata, lifecycle };
    const { sandboxId } = connection;
    try {
      await recorder.before({ sandboxId, event: "created", how: "create", ...facts });
    } catch (error) {
      // Nobody is handed a sandbox that is in no record.
      await of.kill(sandboxId);
      throw error;
    }
    watch(connection);
    return connection;
  }

  async function note(result: unknown, copyOf: string): Promise<void> {
    for (const each of [result].flat()) {
      if (!isConnection(each)) continue;
      watch(each);
      const { sandboxId } = each;
      if (sandboxId !== copyOf)
        await recorder.after({ sandboxId, event: "created", how: "copy", of: copyOf });
    }
  }

  return new Proxy(of, {
    get(target, name) {
      if (name === "create") return create;
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (!RECORDED.has(name)) return value.bind(target) as unknown;
      return async (sandboxId: string, ...args: unknown[]) => {
        const call = { sandboxId, recorder, method: String(name) };
        const result = await recordCall(call, args, (given) =>
          Reflect.apply(value as Method, target, [sandboxId, ...given]),
        );
        await note(result, sandboxId);
        return result;
      };
    },
  });
}

const isConnection = (value: unknown): value is SandboxConnection =>
  typeof value === "object" && value !== null && "sandboxId" in value && "endpoint" in value;
