import { DEFAULT_TAG } from "@emberbox/core/template";
import type { FastifyInstance } from "fastify";
import { ApiError, notImplemented, templateNotFound } from "../api-error.ts";
import { plainName } from "../templates.ts";
import { callerOf, demandBuilder } from "./caller.ts";
import { NEVER, NO_BUILD } from "./describe-template.ts";
import * as schemas from "./schemas.ts";
import { parse, parseReference } from "./schemas.ts";
import type { TemplateRoutesOptions } from "./template-routes.ts";

/** Tags of templates: which build is meant by `name:tag`. */
export function addTagRoutes(
  app: FastifyInstance,
  { sandboxes, keys, rows }: TemplateRoutesOptions,
): void {
  const { templates } = sandboxes;
  const demandOwn = (name: string): void => {
    if (!sandboxes.capabilities.templates) throw notImplemented("tagging templates");
    if (templates.has(name))
      throw new ApiError(
        400,
        `'${name}' is a template of the server's own, whose only tag is ${DEFAULT_TAG}`,
      );
  };

  app.post("/templates/tags", async (request, reply) => {
    const { target, tags } = parse(schemas.tagging, request.body);
    demandOwn(plainName(target));
    demandBuilder(request, keys);
    const { buildId } = await templates.tag(target, tags);
    return reply.code(201).send({ buildID: rows.idOf(buildId), tags });
  });

  app.delete("/templates/tags", async (request, reply) => {
    const { name, tags } = parse(schemas.untagging, request.body);
    demandOwn(plainName(name));
    const caller = demandBuilder(request, keys);
    if ((await templates.buildsOf(caller, name)).length === 0) throw templateNotFound(name);
    await templates.untag(plainName(name), tags);
    return reply.code(204).send();
  });

  app.get<{ Params: { id: string } }>("/templates/:id/tags", async (request) => {
    const id = parseReference(request.params.id);
    if (templates.has(id)) return [{ tag: DEFAULT_TAG, buildID: NO_BUILD, createdAt: NEVER }];
    if (!sandboxes.capabilities.templates) throw notImplemented("tagging templates");
    const found = templates.mayUse(callerOf(request), id) ? await templates.tagsOf(id) : [];
    if (found.length === 0) throw templateNotFound(id);
    return found.map(({ tag, buildId, createdAt }) => ({
      tag,
      buildID: rows.idOf(buildId),
      createdAt: createdAt.toISOString(),
    }));
  });
}
