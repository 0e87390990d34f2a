import { z } from "zod";
import { ApiError } from "../api-error.ts";

const MOST = 100;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

/** Where a listing continues: after the item with that time and id. */
interface Mark {
  readonly time: number;
  readonly id: string;
}

/**
 * One page of a listing, sorted by time, then id. A token names the last item that was returned, so that items that
 * come and go in between do not shift the pages.
 */
export function page<Item>(
  items: readonly Item[],
  markOf: (item: Item) => Mark,
  query: { order: "asc" | "desc"; limit: number; token: string | undefined },
): Page<Item> {
  const direction = query.order === "asc" ? 1 : -1;
  const after = query.token ? readToken(query.token) : undefined;
  const sorted = items
    .map((item) => ({ item, mark: markOf(item) }))
    .toSorted((one, other) => direction * compare(one.mark, other.mark))
    .filter(({ mark }) => after === undefined || direction * compare(mark, after) > 0);
  const given = sorted.slice(0, query.limit);
  const last = given.at(-1)?.mark;
  return {
    items: given.map(({ item }) => item),
    next: last && sorted.length > given.length ? writeToken(last) : undefined,
  };
}

/** @throws 400 */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return MOST;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(limit >= 1)) throw new ApiError(400, "Invalid limit: must be a positive whole number");
  return Math.min(limit, MOST);
}

function compare(one: Mark, other: Mark): number {
  return one.time - other.time || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}

function writeToken({ time, id }: Mark): string {
  return Buffer.from(JSON.stringify([time, id])).toString("base64url");
}

const tokenSchema = z.tuple([z.int(), z.string().regex(/^[\w.:/-]{1,512}$/)]);

function readToken(token: string): Mark {
  try {
    const [time, id] = tokenSchema.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
    return { time, id };
  } catch {
    throw new ApiError(400, "Invalid next token");
  }
}
