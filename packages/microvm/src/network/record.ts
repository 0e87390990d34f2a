import type { NetworkEvent, NetworkLog } from "@emberbox/core/network";
import { notifier } from "@emberbox/core/background";
import type { Connection } from "./connection.ts";

const MAX_REFUSALS = 256;

/** Counts what a sandbox did with its network, and tells the listener. */
export class NetworkRecord {
  readonly #sandboxId: string;
  readonly #refusals: Map<string, NetworkLog["refusals"][number]> = new Map();
  #notify: ((event: NetworkEvent) => void) | undefined;
  #allowed = 0;
  #refused = 0;
  #sent = 0;
  #received = 0;

  constructor(sandboxId: string) {
    this.#sandboxId = sandboxId;
  }

  /** A listener that fails is not the sandbox's fault: it must not end a connection that was decided about. */
  set listener(listener: ((event: NetworkEvent) => void) | undefined) {
    this.#notify = listener && notifier("onNetwork", listener);
  }

  allow({ host, port }: Connection, address: string): void {
    this.#allowed++;
    this.#tell({ decision: "allowed", host, port, address });
  }

  refuse(host: string, port: number | undefined, reason: string): void {
    this.#refused++;
    const key = `${host} ${port}`;
    const count = (this.#refusals.get(key)?.count ?? 0) + 1;
    this.#refusals.delete(key);
    this.#refusals.set(key, { host, port, reason, count, lastAt: new Date() });
    if (this.#refusals.size > MAX_REFUSALS)
      this.#refusals.delete(this.#refusals.keys().next().value!);
    this.#tell({ decision: "refused", host, port, reason });
  }

  /** Counts a connection that has ended. */
  add({ stream }: Connection): void {
    this.#sent += stream.bytesReceived;
    this.#received += stream.bytesSent;
  }

  read(open: readonly Connection[]): NetworkLog {
    const sum = (of: (connection: Connection) => number): number =>
      open.reduce((total, connection) => total + of(connection), 0);
    return {
      allowed: this.#allowed,
      refused: this.#refused,
      open: open.filter(({ addresses }) => addresses.length > 0).length,
      bytesSent: this.#sent + sum(({ stream }) => stream.bytesReceived),
      bytesReceived: this.#received + sum(({ stream }) => stream.bytesSent),
      refusals: [...this.#refusals.values()],
    };
  }

  #tell(event: Pick<NetworkEvent, "decision" | "host" | "port" | "address" | "reason">): void {
    this.#notify?.({ sandboxId: this.#sandboxId, time: new Date(), ...event });
  }
}
