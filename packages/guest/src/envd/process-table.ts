import { isObject, RpcError, type Json } from "./connect.ts";
import type { EndEvent, ManagedProcess } from "./process.ts";

/** How many ended processes can still be asked how they ended. */
const maxRetained = 256;

/** The processes that run, and how the last ones ended. */
export class ProcessTable {
  readonly #running = new Map<number, ManagedProcess>();
  readonly #ended = new Map<number, EndEvent>();

  add(pid: number, process: ManagedProcess): void {
    this.#ended.delete(pid);
    this.#running.set(pid, process);
  }

  end(pid: number, end: EndEvent): void {
    this.#running.delete(pid);
    this.#ended.set(pid, end);
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

  /** How a process that no longer runs ended, while that is remembered. */
  ended(selector: unknown): { pid: number; end: EndEvent } | undefined {
    const pid = isObject(selector) ? selector["pid"] : undefined;
    if (typeof pid !== "number") return undefined;
    const end = this.#ended.get(pid);
    return end && { pid, end };
  }
}
