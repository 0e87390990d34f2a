import { ENVD_PORT } from "@emberbox/core/envd";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { request } from "undici/index.js";
import { z } from "zod";
import { ApiError, sandboxNotFound } from "../api-error.ts";
import type { JournalEntry } from "../journal.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { callerOf } from "./caller.ts";
import { text } from "./list-routes.ts";
import { parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
  Querystring: Query;
}

const MEASURING_MS = 5_000;
const LONGEST_BODY = 64 * 1024;
const MOST_LOGS = 1000;

/** How busy sandboxes are, and what happened to them. */
export function addObservationRoutes(app: FastifyInstance, sandboxes: Sandboxes): void {
  app.get<WithId>("/sandboxes/:id/metrics", async (request) => {
    const { params, query } = request;
    const start = readSeconds(text(query["start"]), "start") ?? 0;
    const end = readSeconds(text(query["end"]), "end") ?? Infinity;
    if (start > end) throw new ApiError(400, "Invalid start: it is after end");
    const sandboxId = parseSandboxId(params.id);
    const { info } = await sandboxes.registry.get(callerOf(request), sandboxId);
    if (info.state === "paused") return [];
    // There is no history: the only sample is the current one.
    const metric = await measure(sandboxes, sandboxId);
    const within = metric.timestampUnix >= start && metric.timestampUnix <= end;
    return within ? [metric] : [];
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
          [sandboxId, await measure(sandboxes, sandboxId).catch(() => undefined)] as const,
      ),
    );
    return { sandboxes: Object.fromEntries(metrics.filter(([, metric]) => metric !== undefined)) };
  });

  app.get<WithId>("/sandboxes/:id/logs", async (request) => {
    const { query } = request;
    const entries = await readJournal(sandboxes, request, {
      since: readSeconds(text(query["start"]), "start"),
      limit: readSeconds(text(query["limit"]), "limit"),
    });
    return {
      logs: entries.map(describeLine),
      logEntries: entries.map(describeEntry),
    };
  });

  app.get<WithId>("/v2/sandboxes/:id/logs", async (request) => {
    const { query } = request;
    const entries = await readJournal(sandboxes, request, {
      since: readSeconds(text(query["cursor"]), "cursor"),
      limit: readSeconds(text(query["limit"]), "limit"),
    });
    const search = text(query["search"]) ?? "";
    const found = entries.filter(({ message }) => message.includes(search)).map(describeEntry);
    return { logs: text(query["direction"]) === "backward" ? found.toReversed() : found };
  });
}

async function readJournal(
  sandboxes: Sandboxes,
  request: FastifyRequest<WithId>,
  { since = 0, limit = MOST_LOGS }: { since: number | undefined; limit: number | undefined },
): Promise<JournalEntry[]> {
  const sandboxId = parseSandboxId(request.params.id);
  await sandboxes.registry.get(callerOf(request), sandboxId);
  const entries = sandboxes.registry.journal.read(sandboxId);
  return entries.filter(({ timestamp }) => timestamp.getTime() >= since).slice(0, limit);
}

/** E2B's name for what is told of a sandbox rather than by its processes. */
const logger = "system";
const level = "info";

function describeEntry({ timestamp, message }: JournalEntry): Record<string, unknown> {
  return { timestamp: timestamp.toISOString(), level, message, fields: { logger } };
}

/** As E2B's command line reads it: JSON in JSON. */
function describeLine({ timestamp, message }: JournalEntry): Record<string, unknown> {
  return { timestamp: timestamp.toISOString(), line: JSON.stringify({ level, logger, message }) };
}

const measured = z.object({
  ts: z.number(),
  cpu_count: z.number(),
  cpu_used_pct: z.number(),
  mem_used: z.number(),
  mem_total: z.number(),
  mem_cache: z.number().default(0),
  disk_used: z.number(),
  disk_total: z.number(),
});

interface Metric {
  readonly timestampUnix: number;
  readonly [name: string]: unknown;
}

/** Asks the sandbox itself. */
async function measure(sandboxes: Sandboxes, sandboxId: string): Promise<Metric> {
  const connection = await sandboxes.reach(sandboxId);
  const { origin, headers, dispatcher } = connection.endpoint(ENVD_PORT);
  try {
    const answer = await request(`${origin}/metrics`, {
      dispatcher,
      headers: { ...headers },
      signal: AbortSignal.timeout(MEASURING_MS),
    });
    const now = measured.parse(JSON.parse(await limitedText(answer.body)));
    return {
      timestamp: new Date(now.ts * 1000).toISOString(),
      timestampUnix: Math.floor(now.ts),
      cpuCount: now.cpu_count,
      cpuUsedPct: now.cpu_used_pct,
      memUsed: now.mem_used,
      memTotal: now.mem_total,
      memCache: now.mem_cache,
      diskUsed: now.disk_used,
      diskTotal: now.disk_total,
    };
  } catch {
    if (connection.gone() !== undefined) throw sandboxNotFound(sandboxId);
    throw new ApiError(500, `Sandbox "${sandboxId}" does not tell how busy it is`);
  }
}

async function limitedText(body: AsyncIterable<Buffer>): Promise<string> {
  let all = Buffer.alloc(0);
  for await (const chunk of body) {
    all = Buffer.concat([all, chunk]);
    if (all.length > LONGEST_BODY) throw new Error("the sandbox's metrics are too long");
  }
  return all.toString();
}

function readSeconds(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new ApiError(400, `Invalid ${name}: must be a whole number`);
  return Number(value);
}
