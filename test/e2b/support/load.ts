import { Sandbox, SandboxError } from "e2b";
import type { SdkOptions } from "../../support/endpoints.ts";
import type { Random } from "../../support/random.ts";

/** What a client knows of a sandbox: what it was told, and what it asked for and was not told. */
interface Known {
  is: "running" | "paused" | "gone";
  asked?: "pause" | "resume" | "kill";
}

export type Operation = "create" | "pause" | "snapshot" | "resume" | "kill" | "delete";

const MARK = "/home/user/mark";
const MOST = 5;

/** Clients that make, pause, resume, copy and kill sandboxes, and remember what they were told. */
export class Load {
  readonly sandboxes = new Map<string, Known>();
  /** Names of snapshots that are there, and of those that were asked to be. */
  readonly snapshots = new Map<string, "there" | "asked" | "deleting">();
  /** How often each operation was begun. */
  readonly begun = new Map<Operation, number>();
  readonly #random: Random;
  #names = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Clients work until they are stopped, or the server has gone. Rejects when the server that runs fails. */
  async run(clients: number, options: SdkOptions, stop: AbortSignal): Promise<void> {
    const client = async (): Promise<void> => {
      while (!stop.aborted) {
        try {
          await this.#step({ ...options, retries: 0 } as SdkOptions);
        } catch (error) {
          if (!stop.aborted) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  /** What must be true after the server has started again: what ran has ended, what was asked has been done or not. */
  settle(listed: ReadonlyMap<string, string>, snapshots: ReadonlySet<string>): string[] {
    const wrong: string[] = [];
    for (const [id, known] of this.sandboxes) {
      const may = mayBe(known);
      const is = listed.get(id) ?? "gone";
      if (!may.includes(is)) wrong.push(`${id} is ${is}; it was ${JSON.stringify(known)}`);
      if (is === "gone") this.sandboxes.delete(id);
      else this.sandboxes.set(id, { is: is as Known["is"] });
    }
    for (const id of listed.keys()) if (!this.sandboxes.has(id)) wrong.push(`nobody made ${id}`);
    for (const [name, known] of this.snapshots) {
      if (known === "there" && !snapshots.has(name)) wrong.push(`the snapshot ${name} is lost`);
      if (snapshots.has(name)) this.snapshots.set(name, "there");
      else this.snapshots.delete(name);
    }
    return wrong;
  }

  async #step(options: SdkOptions): Promise<void> {
    const free = [...this.sandboxes].filter(([, { asked }]) => asked === undefined);
    const running = free.filter(([, { is }]) => is === "running");
    const paused = free.filter(([, { is }]) => is === "paused");
    const there = [...this.snapshots].filter(([, known]) => known === "there");
    const can: Operation[] = [];
    if (running.length < MOST) can.push("create");
    if (running.length > 0) can.push("pause", "snapshot");
    if (paused.length > 0) can.push("resume");
    if (running.length + paused.length > 0) can.push("kill");
    if (there.length > 0) can.push("delete");
    // Half of the time what was begun least, so that all of them are begun in a few rounds.
    const rarest = can.toSorted((one, other) => this.#times(one) - this.#times(other))[0]!;
    const what = this.#random.between(0, 1) === 0 ? rarest : this.#random.pick(can);
    this.begun.set(what, this.#times(what) + 1);
    switch (what) {
      case "create":
        return this.#create(options);
      case "pause":
        return this.#pause(...this.#random.pick(running), options);
      case "snapshot":
        return this.#snapshot(...this.#random.pick(running), options);
      case "resume":
        return this.#resume(...this.#random.pick(paused), options);
      case "kill":
        return this.#kill(...this.#random.pick([...running, ...paused]), options);
      case "delete":
        return this.#deleteSnapshot(this.#random.pick(there)[0], options);
    }
  }

  #times(what: Operation): number {
    return this.begun.get(what) ?? 0;
  }

  async #create(options: SdkOptions): Promise<void> {
    const { sandboxId, files } = await Sandbox.create(options);
    // Nobody else may have it before it is marked.
    const known: Known = { is: "running", asked: "kill" };
    this.sandboxes.set(sandboxId, known);
    await files.write(MARK, sandboxId);
    delete known.asked;
  }

  async #pause(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "pause";
    await Sandbox.pause(id, options);
    this.sandboxes.set(id, { is: "paused" });
  }

  async #resume(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "resume";
    const sandbox = await Sandbox.connect(id, options);
    known.is = "running";
    const mark = await sandbox.files.read(MARK);
    if (mark !== id) throw new SandboxError(`${id} has the mark of ${mark}`);
    delete known.asked;
  }

  async #kill(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "kill";
    await Sandbox.kill(id, options);
    this.sandboxes.set(id, { is: "gone" });
  }

  async #snapshot(id: string, known: Known, options: SdkOptions): Promise<void> {
    // Whatever becomes of it, the sandbox runs, or ends with the server.
    known.asked = "kill";
    const name = `kill-${process.pid}-${this.#names++}`;
    this.snapshots.set(name, "asked");
    await Sandbox.createSnapshot(id, { ...options, name });
    this.snapshots.set(name, "there");
    delete known.asked;
  }

  async #deleteSnapshot(name: string, options: SdkOptions): Promise<void> {
    this.snapshots.set(name, "deleting");
    await Sandbox.deleteSnapshot(name, options);
    this.snapshots.delete(name);
  }
}

function mayBe({ is, asked }: Known): string[] {
  if (is === "gone") return ["gone"];
  if (asked === "pause") return ["paused", "gone"];
  if (is === "running") return ["gone"];
  return asked === undefined ? ["paused"] : ["paused", "gone"];
}
