import type { FastifyInstance, FastifyReply } from "fastify";
import { ApiError } from "../api-error.ts";
import type { KnownSandbox } from "../registry.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { callerOf } from "./caller.ts";
import { describeListed } from "./describe.ts";
import { matches, readMetadataFilter } from "./metadata-filter.ts";
import { type Page, page, readLimit } from "./paging.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Lists of sandboxes. */
export function addListRoutes(app: FastifyInstance, sandboxes: Sandboxes): void {
  app.get<{ Querystring: Query }>("/v2/sandboxes", async (request, reply) => {
    const { query } = request;
    const caller = callerOf(request);
    const all = await sandboxes.registry.list(caller);
    const states = readStates(query["state"]);
    const since = readTime(text(query["startedAfter"]));
    const filter = readMetadataFilter(text(query["metadata"]));
    const template = text(query["template"]);
    const wanted = all.filter(
      ({ info, alias }) =>
        states.has(info.state) &&
        info.startedAt.getTime() >= since &&
        (!template || [info.template, alias].includes(template)) &&
        matches(info.metadata, filter),
    );
    const listed = page(wanted, markOf, {
      order: readOrder(text(query["order"])),
      limit: readLimit(text(query["limit"])),
      token: text(query["nextToken"]),
    });
    if (states.has("running")) {
      const running = wanted.filter(({ info }) => info.state === "running").length;
      reply.header("x-total-running", running);
    }
    return sendPage(reply, listed, (known) => describeListed(known, caller, sandboxes.volumes));
  });

  app.get<{ Querystring: Query }>("/sandboxes", async (request) => {
    const { query } = request;
    const caller = callerOf(request);
    const filter = readMetadataFilter(text(query["metadata"]));
    return (await sandboxes.registry.list(caller))
      .filter(({ info }) => info.state === "running" && matches(info.metadata, filter))
      .map((known) => describeListed(known, caller, sandboxes.volumes));
  });
}

export function sendPage<Item>(
  reply: FastifyReply,
  { items, next }: Page<Item>,
  describe: (item: Item) => Record<string, unknown>,
): Record<string, unknown>[] {
  if (next !== undefined) reply.header("x-next-token", next);
  return items.map(describe);
}

/** A query parameter; one that is given twice is an error. @throws 400 */
export function text(value: string | string[] | undefined): string | undefined {
  if (!Array.isArray(value)) return value;
  throw new ApiError(400, "Invalid query: a parameter is given twice");
}

function markOf({ info }: KnownSandbox): { time: number; id: string } {
  return { time: info.startedAt.getTime(), id: info.sandboxId };
}

function readStates(value: string | string[] | undefined): Set<string> {
  const states = [value ?? "running,paused"].flat().flatMap((part) => part.split(","));
  const known = states.every((state) => state === "running" || state === "paused");
  if (!known) throw new ApiError(400, "Invalid state: must be running or paused");
  return new Set(states);
}

function readOrder(value: string | undefined): "asc" | "desc" {
  if (value === undefined || value === "") return "desc";
  if (value === "asc" || value === "desc") return value;
  throw new ApiError(400, "Invalid order: must be asc or desc");
}

function readTime(value: string | undefined): number {
  if (value === undefined) return -Infinity;
  const time = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new ApiError(400, "Invalid startedAfter: must be a date and time");
  return time;
}
