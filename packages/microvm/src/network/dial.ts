import { connect, isIP, type LookupFunction, type Socket } from "node:net";

/** What was checked and is dialled: the name is not looked up again. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

const CONNECT_MS = 30_000;

export const pinned =
  (addresses: readonly string[]): LookupFunction =>
  (_host, options, callback) => {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    if (options.all) callback(null, all);
    else callback(null, all[0]!.address, all[0]!.family);
  };

/** Connects to one of the addresses. */
export function dial({ host, port, addresses }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      lookup: pinned(addresses),
      allowHalfOpen: true,
      noDelay: true,
    });
    // This does not keep the program alive: the sandbox's calls do.
    socket.unref();
    const timer = setTimeout(() => socket.destroy(new Error("timed out")), CONNECT_MS).unref();
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
    socket.once("error", reject);
    socket.once("close", () => clearTimeout(timer));
  });
}
