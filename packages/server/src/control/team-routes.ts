import type { FastifyInstance } from "fastify";
import { ApiError } from "../api-error.ts";
import { teamIdOf } from "../events/event.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { type TeamMetric, teamMetrics } from "../events/team-metrics.ts";
import type { Store } from "../store.ts";
import type { Caller } from "../tenants.ts";
import { callerOf, keyOf } from "./caller.ts";
import { text } from "./list-routes.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
  Querystring: Query;
}

/** E2B's teams: a tenant is one, and sees no other. */
export function addTeamRoutes(
  app: FastifyInstance,
  { sandboxes, store }: { readonly sandboxes: Sandboxes; readonly store: Store },
): void {
  app.get("/teams", async (request) => {
    const { tenant } = callerOf(request);
    const team = { teamID: teamIdOf(tenant), name: tenant, isDefault: true };
    return [{ ...team, apiKey: keyOf(request.headers) }];
  });

  const metricsOf = async (caller: Caller, id: string, query: Query): Promise<TeamMetric[]> => {
    const { tenant } = caller;
    if (id !== teamIdOf(tenant)) throw new ApiError(403, "That is not your team");
    const running = await sandboxes.registry.running({ tenant, isOperator: false });
    const [start, end] = [readSeconds(query, "start") ?? 0, readSeconds(query, "end") ?? Infinity];
    if (start > end) throw new ApiError(400, "Invalid start: it is after end");
    return teamMetrics(store.events, tenant, running.length).filter(
      ({ timestampUnix: at }) => at >= start && at <= end,
    );
  };

  app.get<WithId>("/teams/:id/metrics", (request) =>
    metricsOf(callerOf(request), request.params.id, request.query),
  );

  app.get<WithId>("/teams/:id/metrics/max", async (request) => {
    const { params, query } = request;
    const names = {
      concurrent_sandboxes: "concurrentSandboxes",
      sandbox_start_rate: "sandboxStartRate",
    } as const;
    const name = names[text(query["metric"]) as keyof typeof names];
    if (name === undefined)
      throw new ApiError(400, `Invalid metric: must be ${Object.keys(names).join(" or ")}`);
    const metrics = await metricsOf(callerOf(request), params.id, query);
    const highest = metrics.toSorted((one, other) => other[name] - one[name])[0];
    const now = {
      timestamp: new Date().toISOString(),
      timestampUnix: Math.floor(Date.now() / 1000),
    };
    const { timestamp, timestampUnix } = highest ?? now;
    return { timestamp, timestampUnix, value: highest?.[name] ?? 0 };
  });
}

function readSeconds(query: Query, name: string): number | undefined {
  const value = text(query[name]);
  if (value === undefined || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new ApiError(400, `Invalid ${name}: must be a whole number`);
  return Number(value);
}
