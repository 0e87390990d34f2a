import { createHash } from "node:crypto";
import type { Sandbox } from "@emberbox/core";
import type { CreateOptions, SandboxProvider } from "@emberbox/core/provider";
import { SharedWork, untilAborted } from "@emberbox/core/concurrency";

/** Prepares a new sandbox, once per identity. */
export type FirstCreate<Session> = (
  session: Session,
  options: { abortSignal?: AbortSignal },
) => Promise<void>;

interface First {
  readonly identity: string | undefined;
  create(): Promise<Sandbox>;
  run(sandbox: Sandbox): Promise<void>;
}

/** Snapshots of prepared sandboxes. */
export class Preparations {
  readonly #making = new SharedWork<string>({ keeps: false });

  /**
   * The id of the snapshot for an identity, which is made when there is none; concurrent callers wait for it.
   * `undefined` without an identity, or when the provider has no snapshots.
   */
  async snapshot(
    provider: SandboxProvider,
    create: Omit<CreateOptions, "workspaces">,
    first: First,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (first.identity === undefined || !provider.capabilities.snapshots) return undefined;
    const name = nameOf(first.identity, create);
    for (;;) {
      const known = await provider.listSnapshots!({ name, signal });
      if (known[0] !== undefined) return known[0].snapshotId;
      const making = this.#making.going().get(name);
      if (making === undefined) break;
      // If the other attempt fails or is aborted, this call makes its own.
      await untilAborted(
        making.catch(() => {}),
        signal,
      );
    }
    return this.#making.get(name, () => make(name, first));
  }
}

async function make(name: string, first: First): Promise<string> {
  await using sandbox = await first.create();
  await first.run(sandbox);
  return (await sandbox.createSnapshot({ name })).snapshotId;
}

/** A snapshot keeps the size and template of its sandbox, so they are part of the name. */
function nameOf(identity: string, create: Omit<CreateOptions, "workspaces">): string {
  const { template, memoryMB, cpuCount, diskMB } = create;
  const what = JSON.stringify([identity, template, memoryMB, cpuCount, diskMB]);
  return `harness-${createHash("sha256").update(what).digest("hex").slice(0, 32)}`;
}
