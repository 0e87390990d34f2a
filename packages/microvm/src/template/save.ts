import { constants, createWriteStream } from "node:fs";
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EmberboxError } from "@emberbox/core";
import { closeFd, openFd } from "../host/descriptors.ts";
import { JAIL_ID, type SharedDirectory } from "../machine/jail.ts";
import type { Qmp } from "../machine/qmp.ts";

/** Where a machine's device state goes. QEMU 7.2 sends it to a socket that it finds by name, not to a descriptor. */
export interface StateReceiver extends AsyncDisposable {
  readonly shared: SharedDirectory;
  /**
   * Stops the machine, to which `shared` is known as `seenAs`, and writes its device state; its memory is in its file
   * already.
   */
  save(qmp: Qmp, seenAs: string): Promise<void>;
}

/**
 * Receives in a new directory in `place`, which only this user may enter, and which is removed with all its contents.
 */
export async function receiveState(path: string, place: string): Promise<StateReceiver> {
  const directory = join(place, "receiver");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { mode: 0o700 });
  const descriptor = await openFd(
    directory,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  const server = createServer();
  // By the descriptor: the name of a socket has at most 107 bytes.
  const socket = `/proc/self/fd/${descriptor}/state`;
  server.listen(socket);
  await once(server, "listening");
  if (process.getuid?.() === 0) {
    // QEMU's account reaches the socket through the open directory; it may not enter those above.
    await chmod(directory, 0o711);
    await chown(socket, JAIL_ID, JAIL_ID);
  }
  return {
    shared: { path: directory, descriptor },
    async save(qmp, seenAs) {
      const written = once(server, "connection").then(([connection]) =>
        pipeline(connection as Socket, createWriteStream(path)),
      );
      const migrate = async (): Promise<void> => {
        const capabilities = ["x-ignore-shared", "events"].map((capability) => ({
          capability,
          state: true,
        }));
        await Promise.all([
          qmp.command("qmp_capabilities"),
          qmp.command("migrate-set-capabilities", { capabilities }),
        ]);
        const saved = migrationEnd(qmp);
        // The machine still runs when this begins: saved that way, a restored one runs without another command.
        await Promise.all([qmp.command("migrate", { uri: `unix:${seenAs}/state` }), saved]);
      };
      await Promise.all([migrate(), written]);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
      await closeFd(descriptor);
      await rm(directory, { recursive: true, force: true });
    },
  };
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
