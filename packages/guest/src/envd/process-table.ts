import { isObject, RpcError, type Json } from "./connect.ts";
import type { EndEvent, ManagedProcess } from "./process.ts";

/** For how many ended processes it is remembered how they ended. */
const maxRetained = 256;

interface Ended {
  readonly pid: number;
  readonly tag: string | undefined;
  readonly end: EndEvent;
}

/** The running processes, and how the last ones ended. */
export class ProcessTable {
  readonly #running = new Map<number, ManagedProcess>();
  readonly #ended = new Map<number, Ended>();

  add(pid: number, process: ManagedProcess): void {
    this.#ended.delete(pid);
    this.#running.set(pid, process);
  }

  end(pid: number, tag: string | undefined, end: EndEvent): void {
    this.#running.delete(pid);
    this.#ended.set(pid, { pid, tag, end });
    if (this.#ended.size > maxRetained) this.#ended.delete(this.#ended.keys().next().value!);
  }

  list(): Json[] {
    return Array.from(this.#running, ([pid, { config, tag }]) => ({ config, pid, tag }));
  }

  /** The running process that a `process.ProcessSelector` means. */
  get(selector: unknown): ManagedProcess {
    const process = this.find(selector);
    if (process !== undefined) return process;
    const { pid, tag } = selector as Json;
    throw new RpcError(
      "not_found",
      tag === undefined ? `process with pid ${pid} not found` : `process with tag ${tag} not found`,
    );
  }

  find(selector: unknown): ManagedProcess | undefined {
    if (!isObject(selector)) throw new RpcError("invalid_argument", "no process is named");
    const { pid, tag } = selector;
    if (typeof tag === "string")
      return [...this.#running.values()].find((process) => process.tag === tag);
    if (typeof pid === "number") return this.#running.get(pid);
    throw new RpcError("invalid_argument", "the process is named by neither pid nor tag");
  }

  /** How a process ended, as long as that is remembered. */
  ended(selector: unknown): Ended | undefined {
    const { pid, tag } = isObject(selector) ? selector : {};
    if (typeof pid === "number") return this.#ended.get(pid);
    if (typeof tag !== "string") return undefined;
    return [...this.#ended.values()].findLast((ended) => ended.tag === tag);
  }
}
