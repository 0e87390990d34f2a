import { setTimeout as delay } from "node:timers/promises";
import { Sandbox, SandboxError } from "e2b";
import type { SdkOptions } from "../../support/endpoints.ts";

/** What a client knows of a sandbox: what it was told, and what it asked for and was not told. */
interface Known {
  is: "running" | "paused" | "gone";
  asked?: "pause" | "resume" | "kill";
}

const MARK = "/home/user/mark";
const MOST = 5;

/** Clients that make, pause, resume, copy and kill sandboxes, and remember what they were told. */
export class Load {
  readonly sandboxes = new Map<string, Known>();
  /** Names of snapshots that are there, and of those that were asked to be. */
  readonly snapshots = new Map<string, "there" | "asked" | "deleting">();
  /** How often each operation was done. */
  readonly done = new Map<string, number>();
  readonly #below: (limit: number) => number;
  #names = 0;

  constructor(below: (limit: number) => number) {
    this.#below = below;
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
    const free = [...this.sandboxes].filter(([, { asked, is }]) => !asked && is !== "gone");
    const running = free.filter(([, { is }]) => is === "running").length;
    const snapshot = [...this.snapshots].find(([, known]) => known === "there")?.[0];
    if (snapshot !== undefined && this.#below(6) === 0)
      return this.#deleteSnapshot(snapshot, options);
    if (running < MOST && (free.length === 0 || this.#below(3) === 0)) return this.#create(options);
    const picked = free[this.#below(free.length)];
    if (picked === undefined) return delay(20);
    const [id, known] = picked;
    if (this.#below(5) === 0) return this.#kill(id, known, options);
    if (known.is === "paused") return this.#resume(id, known, options);
    if (this.#below(3) === 0) return this.#snapshot(id, known, options);
    return this.#pause(id, known, options);
  }

  async #create(options: SdkOptions): Promise<void> {
    const { sandboxId, files } = await Sandbox.create(options);
    // Nobody else may have it before it is marked.
    const known: Known = { is: "running", asked: "kill" };
    this.sandboxes.set(sandboxId, known);
    await files.write(MARK, sandboxId);
    delete known.asked;
    this.#count("create");
  }

  async #pause(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "pause";
    await Sandbox.pause(id, options);
    this.sandboxes.set(id, { is: "paused" });
    this.#count("pause");
  }

  async #resume(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "resume";
    const sandbox = await Sandbox.connect(id, options);
    known.is = "running";
    const mark = await sandbox.files.read(MARK);
    if (mark !== id) throw new SandboxError(`${id} has the mark of ${mark}`);
    delete known.asked;
    this.#count("resume");
  }

  async #kill(id: string, known: Known, options: SdkOptions): Promise<void> {
    known.asked = "kill";
    await Sandbox.kill(id, options);
    this.sandboxes.set(id, { is: "gone" });
    this.#count("kill");
  }

  async #snapshot(id: string, known: Known, options: SdkOptions): Promise<void> {
    // Whatever becomes of it, the sandbox runs, or ends with the server.
    known.asked = "kill";
    const name = `kill-${process.pid}-${this.#names++}`;
    this.snapshots.set(name, "asked");
    await Sandbox.createSnapshot(id, { ...options, name });
    this.snapshots.set(name, "there");
    delete known.asked;
    this.#count("snapshot");
  }

  async #deleteSnapshot(name: string, options: SdkOptions): Promise<void> {
    this.snapshots.set(name, "deleting");
    await Sandbox.deleteSnapshot(name, options);
    this.snapshots.delete(name);
    this.#count("delete");
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}

function mayBe({ is, asked }: Known): string[] {
  if (is === "gone") return ["gone"];
  if (asked === "pause") return ["paused", "gone"];
  if (is === "running") return ["gone"];
  return asked === undefined ? ["paused"] : ["paused", "gone"];
}
