import { createHash } from "node:crypto";

/** What models' services take; MCP itself allows 128. */
const MAX_NAME = 64;
const HASH = 8;

/**
 * Names for what several servers call theirs: `server_name`. Where that is too long, or taken by another, it ends in
 * digits that are the same each time.
 */
export class Names<Item> {
  readonly #items = new Map<string, Item>();

  add(server: string, name: string, item: Item): void {
    const whole = `${server}_${name}`.replaceAll(/[^\w-]/g, "_");
    if (whole.length <= MAX_NAME && !this.#items.has(whole)) {
      this.#items.set(whole, item);
      return;
    }
    const hash = createHash("sha256").update(`${server}\0${name}`).digest("hex").slice(0, HASH);
    this.#items.set(`${whole.slice(0, MAX_NAME - HASH - 1)}_${hash}`, item);
  }

  get(name: string): Item | undefined {
    return this.#items.get(name);
  }

  [Symbol.iterator](): IterableIterator<[string, Item]> {
    return this.#items.entries();
  }
}
