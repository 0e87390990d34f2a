import type { Socket } from "node:net";
import { type ChannelStream, Session } from "@emberbox/wire";
import type { Hides } from "./hidden.ts";
import { serveMount } from "./mount.ts";
import type { SavedNode } from "./nodes.ts";
import { VolumeServer } from "./server.ts";
import type { VolumeLease } from "./store.ts";

/** A volume, and where a sandbox has it. */
export interface MountedVolume {
  readonly path: string;
  readonly lease: VolumeLease;
  /** What the sandbox is not to see of it. */
  readonly hides?: Hides | undefined;
  /** What the machine's kernel knows already. */
  readonly nodes?: readonly SavedNode[] | undefined;
}

/** What a machine's kernel knows of a volume that it has mounted. */
export interface SavedMount {
  readonly path: string;
  readonly nodes: readonly SavedNode[];
}

/** The mounted volumes of a machine, and the channel on which it asks for their files. */
export class VolumeChannel {
  readonly #port: Socket;
  readonly #session: Session;
  readonly #mounts: readonly (MountedVolume & { readonly server: VolumeServer })[];
  readonly #streams = new Map<number, ChannelStream>();
  #held: PromiseWithResolvers<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(port: Socket, mounts: readonly MountedVolume[], onBroken: (error: Error) => void) {
    this.#port = port;
    this.#mounts = mounts.map((mount) => ({
      ...mount,
      server: new VolumeServer(mount.lease.tree, mount.nodes, mount.hides),
    }));
    this.#session = new Session({
      port,
      firstStream: 1,
      onHello: () => {},
      onStream: (stream, index) => {
        const mount = this.#mounts[index];
        if (mount === undefined) return false;
        // One at a time: what waits to be read by the guest is kept for each.
        this.#streams.get(index)?.destroy();
        this.#streams.set(index, stream);
        serveMount(stream, mount.server);
        return true;
      },
      onFreeze: () => this.#held?.resolve(),
      onBroken: (error) => {
        this.#held?.reject(error);
        onBroken(error);
      },
    });
    this.#session.hello(Buffer.of());
  }

  get paths(): readonly string[] {
    return this.#mounts.map(({ path }) => path);
  }

  /** Nothing is in flight in either direction afterwards. Call it once the machine's programs stand still. */
  async freeze(): Promise<void> {
    this.#held = Promise.withResolvers();
    // It may be given up, and break then.
    this.#held.promise.catch(() => {});
    this.#session.hold();
    // Usually a mounted volume does not keep the program alive.
    this.#port.ref();
    try {
      await this.#held.promise;
    } finally {
      this.#port.unref();
    }
  }

  thaw(): void {
    if (this.#held !== undefined) this.#session.thaw(Buffer.of());
    this.#held = undefined;
  }

  save(): SavedMount[] {
    return this.#mounts.map(({ path, server }) => ({ path, nodes: server.save() }));
  }

  /** Call it when the machine is gone; more than once, if need be. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const { server, lease } of this.#mounts) {
      await server.close();
      await lease.release();
    }
  }
}
