import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, sandboxNotFound } from "../api-error.ts";
import type { Line } from "../observed/lines.ts";
import type { Samples } from "../observed/samples.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { callerOf } from "./caller.ts";
import { text } from "./list-routes.ts";
import { parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
  Querystring: Query;
}

const MOST_LOGS = 1000;
const levels = ["debug", "info", "warn", "error"];

/** How busy sandboxes are, and what happened to them and in them. */
export function addObservationRoutes(
  app: FastifyInstance,
  { sandboxes, samples }: { readonly sandboxes: Sandboxes; readonly samples: Samples },
): void {
  app.get<WithId>("/sandboxes/:id/metrics", async (request) => {
    const { params, query } = request;
    const start = readWhole(text(query["start"]), "start") ?? 0;
    const end = readWhole(text(query["end"]), "end") ?? Infinity;
    if (start > end) throw new ApiError(400, "Invalid start: it is after end");
    const sandboxId = parseSandboxId(params.id);
    await sandboxes.registry.get(callerOf(request), sandboxId);
    const all = await samples.all(sandboxId).catch((error: unknown) => {
      if (error instanceof ApiError) throw error;
      if (sandboxes.registry.isGone(sandboxId)) throw sandboxNotFound(sandboxId);
      throw new ApiError(500, `Sandbox "${sandboxId}" does not tell how busy it is`);
    });
    return all.filter(({ timestampUnix: at }) => at >= start && at <= end);
  });

  app.get<{ Querystring: Query }>("/sandboxes/metrics", async (request) => {
    const { query } = request;
    const ids = [query["sandbox_ids"] ?? []].flat().flatMap((part) => part.split(","));
    if (ids.length === 0 || ids.length > 100)
      throw new ApiError(400, "Invalid sandbox_ids: must be 1 to 100 ids");
    const wanted = new Set(ids.map(parseSandboxId));
    const running = (await sandboxes.registry.list(callerOf(request))).filter(
      ({ info }) => info.state === "running" && wanted.has(info.sandboxId),
    );
    const metrics = await Promise.all(
      running.map(
        async ({ info: { sandboxId } }) =>
          [sandboxId, await samples.latest(sandboxId).catch(() => undefined)] as const,
      ),
    );
    return { sandboxes: Object.fromEntries(metrics.filter(([, metric]) => metric !== undefined)) };
  });

  /** Also of a sandbox that has ended, as long as it is remembered. @throws 404 */
  const linesFor = (request: FastifyRequest<WithId>): Line[] => {
    const sandboxId = parseSandboxId(request.params.id);
    const { registry } = sandboxes;
    if (!registry.has(callerOf(request), sandboxId)) throw sandboxNotFound(sandboxId);
    return registry.output.read(sandboxId, registry.isGone(sandboxId));
  };

  app.get<WithId>("/sandboxes/:id/logs", async (request) => {
    const { query } = request;
    const start = readWhole(text(query["start"]), "start") ?? 0;
    const limit = readLimit(query);
    const lines = linesFor(request).filter(({ at }) => at >= start);
    const found = lines.slice(0, limit);
    return { logs: found.map(describeLine), logEntries: found.map(describeEntry) };
  });

  app.get<WithId>("/v2/sandboxes/:id/logs", async (request) => {
    const { query } = request;
    const cursor = readWhole(text(query["cursor"]), "cursor");
    const limit = readLimit(query);
    const search = text(query["search"]) ?? "";
    const least = readLevel(text(query["level"]));
    const isBackward = readDirection(text(query["direction"])) === "backward";
    const lines = linesFor(request).filter(
      ({ at, level, message }) =>
        (cursor === undefined || (isBackward ? at <= cursor : at >= cursor)) &&
        levels.indexOf(level) >= least &&
        message.includes(search),
    );
    const found = isBackward ? lines.slice(-limit).toReversed() : lines.slice(0, limit);
    return { logs: found.map(describeEntry) };
  });
}

function describeEntry({ at, level, message, fields }: Line): Record<string, unknown> {
  return { timestamp: new Date(at).toISOString(), level, message, fields };
}

/** As E2B's command line reads it: JSON in JSON. */
function describeLine({ at, level, message, fields }: Line): Record<string, unknown> {
  return {
    timestamp: new Date(at).toISOString(),
    line: JSON.stringify({ level, ...fields, message }),
  };
}

function readWhole(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new ApiError(400, `Invalid ${name}: must be a whole number`);
  return Number(value);
}

function readLimit(query: Query): number {
  const limit = readWhole(text(query["limit"]), "limit") ?? MOST_LOGS;
  if (limit === 0) throw new ApiError(400, "Invalid limit: must be positive");
  return Math.min(limit, MOST_LOGS);
}

function readLevel(value: string | undefined): number {
  const level = levels.indexOf(value ?? "debug");
  if (level === -1) throw new ApiError(400, `Invalid level: must be one of ${levels.join(", ")}`);
  return level;
}

function readDirection(value: string | undefined): "forward" | "backward" {
  if (value === undefined || value === "" || value === "forward") return "forward";
  if (value === "backward") return value;
  throw new ApiError(400, "Invalid direction: must be forward or backward");
}
