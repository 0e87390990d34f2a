import { NAME_RANGES } from "@emberbox/wire";

/** An address as a number. */
const valueOf = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const firstOf = (range: string): number => valueOf(range.split("/", 1)[0]!);

const FIRST: Readonly<Record<NameKind, number>> = {
  reached: firstOf(NAME_RANGES.reached),
  refused: firstOf(NAME_RANGES.refused),
};
const RANGE_SIZE = 2 ** 16;
/** The first address is the machine's own. */
const OFFSET = 2;
const MAX_NAMES = 16_384;

export type NameKind = keyof typeof NAME_RANGES;

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
    return this.#byAddress.get(valueOf(address));
  }
}

/** True for an address of the ranges that are reserved for names. */
export function standsForName(address: string): boolean {
  const value = valueOf(address);
  return Object.values(FIRST).some((first) => value >= first && value < first + RANGE_SIZE);
}
