import { type AuditRecorder, recordCall, recordCreate, recordEnd } from "@emberbox/core/audit";
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
  function watch(connection: SandboxConnection): void {
    const { ended } = connection;
    if (ended === undefined || watched.has(ended)) return;
    watched.add(ended);
    recordEnd(recorder, connection);
  }

  async function create(options: CreateOptions): Promise<SandboxConnection> {
    const connection = await recordCreate(recorder, of, options, {
      create: (watched) => of.create(watched),
      kill: ({ sandboxId }) => of.kill(sandboxId),
    });
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
