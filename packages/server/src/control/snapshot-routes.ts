import type { FastifyInstance } from "fastify";
import { ApiError, notImplemented } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { isKnownTemplate } from "../templates.ts";
import { describeSnapshot } from "./describe.ts";
import { sendPage, text } from "./list-routes.ts";
import { page, readLimit } from "./paging.ts";
import * as schemas from "./schemas.ts";
import { parse, parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Snapshots, which sandboxes are made from like from templates, and templates as far as there are any. */
export function addSnapshotRoutes(app: FastifyInstance, sandboxes: Sandboxes): void {
  app.post<{ Params: { id: string } }>("/sandboxes/:id/snapshots", async (request, reply) => {
    const { name } = parse(schemas.snapshot, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    const snapshot = await sandboxes.createSnapshot(sandboxId, name ?? undefined);
    return reply.code(201).send(describeSnapshot(snapshot));
  });

  app.get<{ Querystring: Query }>("/snapshots", async ({ query }, reply) => {
    const sandboxID = text(query["sandboxID"]);
    const name = text(query["name"]);
    const limit = readLimit(text(query["limit"]));
    const token = text(query["nextToken"]);
    const snapshots = await sandboxes.listSnapshots({
      ...(sandboxID && { sandboxId: parseSandboxId(sandboxID) }),
      ...(name && { name }),
    });
    const listed = page(
      snapshots,
      ({ createdAt, snapshotId }) => ({ time: createdAt.getTime(), id: snapshotId }),
      { order: "desc", limit, token },
    );
    return sendPage(reply, listed, describeSnapshot);
  });

  app.delete<{ Params: { id: string } }>("/templates/:id", async (request, reply) => {
    const { id } = request.params;
    if (!(await sandboxes.deleteSnapshot(id)))
      throw new ApiError(404, `Template '${id}' not found`);
    return reply.code(204).send();
  });

  app.get<{ Params: { alias: string } }>("/templates/aliases/:alias", async (request) => {
    const { alias } = request.params;
    if (isKnownTemplate(alias)) return { templateID: alias, public: true };
    if (sandboxes.capabilities.snapshots) {
      const [snapshot] = await sandboxes.listSnapshots({ name: alias });
      if (snapshot !== undefined) return { templateID: snapshot.snapshotId, public: false };
    }
    throw new ApiError(404, `Template alias '${alias}' not found`);
  });

  for (const [method, path] of unimplemented) {
    app.route({
      method,
      url: path,
      handler: () => Promise.reject(notImplemented(`${method} ${path}`)),
    });
  }
}

/** Parts of E2B's API that this server knows of and does not have. */
const unimplemented = [
  ["GET", "/templates"],
  ["GET", "/v2/templates"],
  ["GET", "/templates/:id"],
  ["PATCH", "/templates/:id"],
  ["PATCH", "/v2/templates/:id"],
  ["POST", "/templates"],
  ["POST", "/v2/templates"],
  ["POST", "/v3/templates"],
  ["GET", "/templates/:id/files/:hash"],
  ["POST", "/v2/templates/:id/builds/:build"],
  ["GET", "/templates/:id/builds/:build/status"],
  ["POST", "/templates/tags"],
  ["DELETE", "/templates/tags"],
  ["GET", "/templates/:id/tags"],
  ["GET", "/volumes"],
  ["POST", "/volumes"],
  ["GET", "/volumes/:id"],
  ["DELETE", "/volumes/:id"],
  ["GET", "/secrets"],
  ["POST", "/secrets"],
  ["GET", "/secrets/:id"],
  ["POST", "/secrets/:id"],
  ["DELETE", "/secrets/:id"],
  ["GET", "/teams"],
  ["GET", "/events/sandboxes"],
  ["GET", "/events/sandboxes/:id"],
  ["GET", "/events/webhooks"],
  ["POST", "/events/webhooks"],
] as const;
