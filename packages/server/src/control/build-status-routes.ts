import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, notImplemented } from "../api-error.ts";
import type { LogEntry } from "../builds/log.ts";
import type { BuildRow } from "../builds/rows.ts";
import type { BuildRoutesOptions } from "./build-routes.ts";
import { demandBuilder } from "./caller.ts";
import { text } from "./list-routes.ts";
import { readLimit } from "./paging.ts";
import { parseReference } from "./schemas.ts";

/** Lines of the failing step's log that are told with the reason. */
const TAIL = 20;

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithParams {
  readonly Params: { readonly id: string; readonly build: string };
  readonly Querystring: Query;
}

/** How builds of templates go. */
export function addBuildStatusRoutes(
  app: FastifyInstance,
  { sandboxes, keys, builds }: Pick<BuildRoutesOptions, "sandboxes" | "keys" | "builds">,
): void {
  /** The build, or what is known of one whose log is gone. */
  const read = (request: FastifyRequest<WithParams>) => {
    if (!sandboxes.capabilities.templates) throw notImplemented("building templates");
    demandBuilder(request, keys);
    const template = parseReference(request.params.id);
    const id = parseReference(request.params.build);
    const row = builds.findRow(template, id);
    return row ? { row } : { build: builds.find(template, id) };
  };

  app.get<WithParams>("/templates/:id/builds/:build/status", async (request) => {
    const { row, build } = read(request);
    const offset = Number(text(request.query["logsOffset"]) ?? 0);
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new ApiError(400, "Invalid request: logsOffset: must be a whole number");
    if (row) return describeForgotten(row);
    const { id, template, log, state, reason } = build;
    return {
      ...{ templateID: template, buildID: id, logs: [], logEntries: log.page(offset) },
      status: state === "asked" ? "waiting" : state,
      ...(reason !== undefined && {
        reason: { message: reason, step: log.step, logEntries: log.tail(TAIL) },
      }),
    };
  });

  app.get<WithParams>("/templates/:id/builds/:build/logs", async (request) => {
    const { build } = read(request);
    return { logs: selected(build?.log.all() ?? [], request.query) };
  });
}

/** A build of an earlier server, or of long ago. */
function describeForgotten({ buildId, template, state, reason }: BuildRow) {
  return {
    ...{ templateID: template, buildID: buildId, logs: [], logEntries: [] },
    status: state === "asked" ? "waiting" : state,
    ...(reason !== null && { reason: { message: reason, logEntries: [] } }),
  };
}

const levels: readonly LogEntry["level"][] = ["debug", "info", "warn", "error"];

/** Some of a build's log: since `cursor`, in ms, or with `direction=backward` before it. @throws 400 */
function selected(entries: readonly LogEntry[], query: Query): LogEntry[] {
  const level = levels.indexOf((text(query["level"]) ?? "debug") as LogEntry["level"]);
  if (level === -1) throw new ApiError(400, `Invalid level: must be one of ${levels.join(", ")}`);
  const limit = readLimit(text(query["limit"]));
  const cursor = text(query["cursor"]) ?? "";
  if (!/^\d{0,15}$/.test(cursor)) throw new ApiError(400, "Invalid cursor: must be a time in ms");
  const isBackward = text(query["direction"]) === "backward";
  const wanted = entries.filter((entry) => {
    const time = Date.parse(entry.timestamp);
    const isIn = cursor === "" || (isBackward ? time <= Number(cursor) : time >= Number(cursor));
    return isIn && levels.indexOf(entry.level) >= level;
  });
  return (isBackward ? wanted.toReversed() : wanted).slice(0, limit);
}
