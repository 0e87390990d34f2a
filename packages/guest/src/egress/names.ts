/** Addresses that stand for names, 198.18.0.0/15: the first half for names that are reached, the second for others. */
const FIRST = { reached: 0xc6_12_00_00, refused: 0xc6_13_00_00 } as const;
/** The first address is the machine's own. */
const OFFSET = 2;
const MAX_NAMES = 16_384;

export type NameKind = keyof typeof FIRST;

/** Which name an address of the reserved range stands for. The oldest names are forgotten. */
export class NameTable {
  readonly #byName: Map<string, number> = new Map();
  readonly #byAddress: Map<number, string> = new Map();
  readonly #next: Record<NameKind, number> = { reached: 0, refused: 0 };

  /** The address of a name, as four bytes in a number. */
  addressOf(name: string, kind: NameKind): number {
    const key = `${kind} ${name}`;
    const known = this.#byName.get(key);
    if (known !== undefined) return known;
    const address = FIRST[kind] + OFFSET + (this.#next[kind]++ % MAX_NAMES);
    const before = this.#byAddress.get(address);
    if (before !== undefined) this.#byName.delete(`${kind} ${before}`);
    this.#byName.set(key, address);
    this.#byAddress.set(address, name);
    return address;
  }

  nameOf(address: string): string | undefined {
    const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return this.#byAddress.get(value);
  }
}

/** True for the reserved range. */
export function standsForName(address: string): boolean {
  return address.startsWith("198.18.") || address.startsWith("198.19.");
}
