import type { FastifyInstance } from "fastify";
import { ApiError, notImplemented, templateNotFound } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { Keyring } from "../tenants.ts";
import { callerOf, demandBuilder } from "./caller.ts";
import { describeBuilt, describeSnapshot, describeTemplate } from "./describe.ts";
import { sendPage, text } from "./list-routes.ts";
import { page, readLimit } from "./paging.ts";
import * as schemas from "./schemas.ts";
import { parse, parseReference, parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Snapshots, from which sandboxes are made as from templates; and templates, as far as they are supported. */
export function addSnapshotRoutes(app: FastifyInstance, sandboxes: Sandboxes, keys: Keyring): void {
  app.post<{ Params: { id: string } }>("/sandboxes/:id/snapshots", async (request, reply) => {
    const caller = callerOf(request);
    const { name } = parse(schemas.snapshot, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    const snapshot = await sandboxes.snapshots.create(caller, sandboxId, name ?? undefined);
    return reply.code(201).send(describeSnapshot(snapshot, caller));
  });

  app.get<{ Querystring: Query }>("/snapshots", async (request, reply) => {
    const { query } = request;
    const caller = callerOf(request);
    const sandboxID = text(query["sandboxID"]);
    const name = text(query["name"]);
    const limit = readLimit(text(query["limit"]));
    const token = text(query["nextToken"]);
    const snapshots = await sandboxes.snapshots.list(caller, {
      ...(sandboxID && { sandboxId: parseSandboxId(sandboxID) }),
      ...(name && { name: parseReference(name) }),
    });
    const listed = page(
      snapshots,
      ({ createdAt, snapshotId }) => ({ time: createdAt.getTime(), id: snapshotId }),
      { order: "desc", limit, token },
    );
    return sendPage(reply, listed, (snapshot) => describeSnapshot(snapshot, caller));
  });

  app.delete<{ Params: { id: string } }>("/templates/:id", async (request, reply) => {
    const id = parseReference(request.params.id);
    const { snapshots, templates } = sandboxes.capabilities;
    if (!snapshots && !templates) throw notImplemented("deleting snapshots");
    if (snapshots && (await sandboxes.snapshots.delete(callerOf(request), id)))
      return reply.code(204).send();
    if ((await sandboxes.templates.findBuilt(id)) === undefined) throw templateNotFound(id);
    demandBuilder(request, keys);
    if (!(await sandboxes.templates.delete(id))) throw templateNotFound(id);
    return reply.code(204).send();
  });

  app.get<{ Params: { alias: string } }>("/templates/aliases/:alias", async (request) => {
    const alias = parseReference(request.params.alias);
    if (sandboxes.templates.has(alias)) return { templateID: alias, public: true };
    const built = await sandboxes.templates.findBuilt(alias);
    if (built !== undefined) return { templateID: built.name, public: true };
    if (sandboxes.capabilities.snapshots) {
      const [snapshot] = await sandboxes.snapshots.list(callerOf(request), { name: alias });
      if (snapshot !== undefined) return { templateID: snapshot.snapshotId, public: false };
    }
    throw new ApiError(404, `Template alias '${alias}' not found`);
  });

  const listTemplates = async (): Promise<unknown[]> => [
    ...sandboxes.templates.all().map((template) => describeTemplate(template, sandboxes.usual)),
    ...(await sandboxes.templates.built()).map(describeBuilt),
  ];
  app.get("/templates", listTemplates);
  app.get("/v2/templates", listTemplates);

  for (const [method, path] of unimplemented) {
    app.route({
      method,
      url: path,
      handler: () => Promise.reject(notImplemented(`${method} ${path}`)),
    });
  }
}

/** Parts of E2B's API that are known here and not implemented. */
const unimplemented = [
  ["GET", "/templates/:id"],
  ["PATCH", "/templates/:id"],
  ["PATCH", "/v2/templates/:id"],
  ["POST", "/templates"],
  ["POST", "/v2/templates"],
  ["POST", "/templates/tags"],
  ["DELETE", "/templates/tags"],
  ["GET", "/templates/:id/tags"],
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
