import { chownSync, createWriteStream, existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EmberboxError } from "@emberbox/core";
import { JAIL_ID } from "../machine/jail.ts";
import type { Qmp } from "../machine/qmp.ts";

/** Where a machine's device state goes. QEMU 7.2 sends it to a socket that it finds by name, not to a descriptor. */
export interface StateReceiver extends AsyncDisposable {
  /** Must be visible to QEMU. */
  readonly directory: string;
  /** Stops the machine and writes its device state; its memory is in its file already. */
  save(qmp: Qmp): Promise<void>;
}

const PREFIX = "emberbox-save-";

export async function receiveState(path: string): Promise<StateReceiver> {
  await removeAbandoned();
  // Not below our own directory: QEMU's account must be able to walk there when we are root.
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const socketPath = join(directory, "state");
  const server = createServer();
  server.listen(socketPath);
  await once(server, "listening");
  if (process.getuid?.() === 0)
    for (const each of [directory, socketPath]) chownSync(each, JAIL_ID, JAIL_ID);
  return {
    directory,
    async save(qmp) {
      const written = once(server, "connection").then(([socket]) =>
        pipeline(socket as Socket, createWriteStream(path)),
      );
      void qmp.command("qmp_capabilities");
      const capabilities = ["x-ignore-shared", "events"].map((capability) => ({
        capability,
        state: true,
      }));
      await qmp.command("migrate-set-capabilities", { capabilities });
      const saved = migrationEnd(qmp);
      // The machine still runs when this begins: saved so, a restored one runs by itself, without another command.
      await Promise.all([qmp.command("migrate", { uri: `unix:${socketPath}` }), saved]);
      await written;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Directories of programs that were killed while they saved. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(PREFIX)
      ? Number.parseInt(name.slice(PREFIX.length), 10)
      : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    // Another user's may not be removed, and is not ours to.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function migrationEnd(qmp: Qmp): Promise<void> {
  return new Promise((resolve, reject) => {
    qmp.on(({ event, data }) => {
      if (event !== "MIGRATION") return;
      if (data?.["status"] === "completed") resolve();
      if (data?.["status"] === "failed")
        reject(new EmberboxError("boot_failed", "QEMU could not save the machine"));
    });
  });
}
