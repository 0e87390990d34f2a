import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, notImplemented, templateNotFound } from "../api-error.ts";
import type { BuildRows } from "../builds/rows.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { plainName } from "../templates.ts";
import type { Keyring } from "../tenants.ts";
import { callerOf, demandBuilder } from "./caller.ts";
import {
  describeBuild,
  describeBuilt,
  describeOffered,
  describeTemplateBuilds,
} from "./describe-template.ts";
import { sendPage, text } from "./list-routes.ts";
import { page, readLimit } from "./paging.ts";
import * as schemas from "./schemas.ts";
import { parse, parseReference } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
  Querystring: Query;
}

export interface TemplateRoutesOptions {
  readonly sandboxes: Sandboxes;
  readonly keys: Keyring;
  readonly rows: BuildRows;
}

/** Templates: which there are, with their builds, and who may use them. */
export function addTemplateRoutes(
  app: FastifyInstance,
  { sandboxes, keys, rows }: TemplateRoutesOptions,
): void {
  const { templates } = sandboxes;

  const list = async (request: FastifyRequest) => {
    const builds = await templates.built(callerOf(request));
    const names = [...new Set(builds.map(({ name }) => name))];
    return [
      ...(await templates.all()).map((template) => describeOffered(template, sandboxes.usual)),
      ...names.map((name) =>
        describeBuilt(
          builds.filter((build) => build.name === name),
          rows,
        ),
      ),
    ];
  };
  app.get("/templates", list);
  app.get<{ Querystring: Query }>("/v2/templates", async (request, reply) => {
    const { query } = request;
    const listed = page(
      await list(request),
      ({ createdAt, templateID }) => ({ time: Date.parse(createdAt), id: templateID }),
      {
        order: "desc",
        limit: readLimit(text(query["limit"])),
        token: text(query["nextToken"]),
      },
    );
    return sendPage(reply, listed, (template) => template);
  });

  app.get<WithId>("/templates/:id", async (request, reply) => {
    const id = parseReference(request.params.id);
    if (templates.has(id)) {
      const name = templates.resolve(id);
      const own = (await templates.all()).find((each) => each.name === name)!;
      return { ...describeOffered(own, sandboxes.usual), builds: [] };
    }
    const built = await templates.buildsOf(callerOf(request), id);
    if (built.length === 0) throw templateNotFound(id);
    const listed = page(
      describeTemplateBuilds(built, rows),
      ({ createdAt, buildId }) => ({ time: createdAt, id: buildId }),
      {
        order: "desc",
        limit: readLimit(text(request.query["limit"])),
        token: text(request.query["nextToken"]),
      },
    );
    return { ...describeBuilt(built, rows), builds: sendPage(reply, listed, describeBuild) };
  });

  app.delete<WithId>("/templates/:id", async (request, reply) => {
    const id = parseReference(request.params.id);
    const caller = callerOf(request);
    const { snapshots, templates: builds } = sandboxes.capabilities;
    if (!snapshots && !builds) throw notImplemented("deleting snapshots");
    if (snapshots && (await sandboxes.snapshots.delete(caller, id))) return reply.code(204).send();
    if ((await templates.buildsOf(caller, id)).length === 0) throw templateNotFound(id);
    demandBuilder(request, keys);
    if (!(await templates.delete(id))) throw templateNotFound(id);
    return reply.code(204).send();
  });

  const update = async (request: FastifyRequest<WithId>) => {
    const id = parseReference(request.params.id);
    const { public: isPublic } = parse(schemas.templateUpdate, request.body);
    if (templates.has(id)) {
      if (isPublic === false)
        throw new ApiError(
          400,
          `'${id}' is a template of the server's own, which is for everybody`,
        );
      return { names: [templates.resolve(id)] };
    }
    if ((await templates.buildsOf(callerOf(request), id)).length === 0) throw templateNotFound(id);
    demandBuilder(request, keys);
    if (typeof isPublic === "boolean") rows.setPublic(plainName(id), isPublic);
    return { names: [plainName(id)] };
  };
  app.patch<WithId>("/templates/:id", update);
  app.patch<WithId>("/v2/templates/:id", update);

  app.get<{ Params: { alias: string } }>("/templates/aliases/:alias", async (request) => {
    const alias = parseReference(request.params.alias);
    const caller = callerOf(request);
    if (templates.has(alias)) return { templateID: alias, public: true };
    const [built] = await templates.buildsOf(caller, alias);
    if (built !== undefined) return { templateID: built.name, public: rows.isPublic(built.name) };
    if (sandboxes.capabilities.snapshots) {
      const [snapshot] = await sandboxes.snapshots.list(caller, { name: alias });
      if (snapshot !== undefined) return { templateID: snapshot.snapshotId, public: false };
    }
    throw new ApiError(404, `Template alias '${alias}' not found`);
  });
}
