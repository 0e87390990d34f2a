import { constants, openSync } from "node:fs";
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { makeMountPoint, MountFlags, mountAt } from "./mount.ts";

/** What mounts of volumes are mounted from, by which they are told from others. */
export const VOLUME_SOURCE = "emberbox-volume";

/** Tells the thread that relays requests of a new mount. */
export interface NewMount {
  /** The mount's open `/dev/fuse`. */
  readonly fd: number;
  /** The port of the host's that serves it. */
  readonly port: number;
}

const mounted = new Set<string>();
let relay: Worker | undefined;

/**
 * Mounts volumes, each at the port of its place in the list. Those that are mounted are in a copy of a machine; its host
 * goes on with them.
 */
export function mountVolumes(paths: readonly string[], log: (line: string) => void): void {
  paths.forEach((path, port) => {
    if (mounted.has(path)) return;
    const fd = mount(path);
    mounted.add(path);
    relay ??= startRelay(log);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    relay.postMessage({ fd, port } satisfies NewMount);
  });
}

/** The kernel's requests can be read from the descriptor from then on. */
function mount(path: string): number {
  makeMountPoint(path);
  const fd = openSync("/dev/fuse", constants.O_RDWR | constants.O_NONBLOCK);
  const data = `fd=${fd},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`;
  mountAt(VOLUME_SOURCE, path, "fuse", MountFlags.noSuid | MountFlags.noDevices, data);
  return fd;
}

/** A thread of its own: this one may itself wait for a file of a volume. */
function startRelay(log: (line: string) => void): Worker {
  const file = `volume-relay${extname(import.meta.filename)}`;
  const worker = new Worker(join(import.meta.dirname, file), { execArgv: [], env: {} });
  worker.on("error", (error) => log(`volumes are no longer served: ${error}`));
  worker.unref();
  return worker;
}
