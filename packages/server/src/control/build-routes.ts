import type { IncomingMessage } from "node:http";
import { DEFAULT_TAG, type TemplateRequest } from "@emberbox/core/template";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import { ApiError, notImplemented, templateNotFound } from "../api-error.ts";
import { allowLongBody, limitBody } from "../body-limit.ts";
import type { Archives } from "../builds/archives.ts";
import type { Build, Builds } from "../builds/builds.ts";
import type { BuildRows } from "../builds/rows.ts";
import { hashesOf, translate } from "../builds/translate.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { Templates } from "../templates.ts";
import type { Caller, Keyring } from "../tenants.ts";
import { demandBuilder } from "./caller.ts";
import { text } from "./list-routes.ts";
import * as schemas from "./schemas.ts";
import { parse, parseFilesHash, parseReference } from "./schemas.ts";

/** What E2B calls the images that its templates begin with: here they are the template `default`. */
const BASE_IMAGE = /^e2bdev\/(?:base|code-interpreter)(?::[\w.-]{1,128})?$/;

interface Params {
  readonly id: string;
  readonly build: string;
  readonly hash: string;
}
interface WithParams {
  readonly Params: Params;
  readonly Querystring: Readonly<Record<string, string | string[] | undefined>>;
}

export interface BuildRoutesOptions {
  readonly sandboxes: Sandboxes;
  readonly keys: Keyring;
  readonly builds: Builds;
  readonly archives: Archives;
  readonly rows: BuildRows;
}

/** Building templates, as E2B's SDKs do: ask for a build, send its files, start it, and ask how it goes. */
export function addBuildRoutes(
  app: FastifyInstance,
  { sandboxes, keys, builds, archives, rows }: BuildRoutesOptions,
): void {
  const demand = (request: FastifyRequest) => {
    if (!sandboxes.capabilities.templates) throw notImplemented("building templates");
    return demandBuilder(request, keys);
  };
  const found = ({ params }: { readonly params: Params }): Build =>
    builds.find(parseReference(params.id), parseReference(params.build));

  app.post("/v3/templates", async (request, reply) => {
    demand(request);
    const { name: full, tags: more, ...asked } = parse(schemas.template, request.body);
    const { memoryMB, cpuCount, minFreeDiskMb } = asked;
    const [name = "", tag] = full.split(":");
    if (sandboxes.templates.has(name))
      throw new ApiError(400, `Invalid request: name: '${name}' is a template of the server's own`);
    const shape = {
      ...(memoryMB && { memoryMB }),
      ...(cpuCount && { cpuCount }),
      ...(minFreeDiskMb && { minFreeDiskMB: minFreeDiskMb }),
    };
    const given = new Set([...(more ?? []), ...(tag === undefined ? [] : [tag])]);
    const tags = given.size > 0 ? [...given] : [DEFAULT_TAG];
    const { id } = builds.ask(name, tags, shape);
    const named = { names: [name], aliases: [name], tags, public: rows.isPublic(name) };
    return reply.code(202).send({ templateID: name, buildID: id, ...named });
  });

  app.get<WithParams>("/templates/:id/files/:hash", async (request, reply) => {
    demand(request);
    const template = parseReference(request.params.id);
    const hash = parseFilesHash(request.params.hash);
    const token = builds.expectFiles(template, hash);
    const present = await archives.has(hash);
    const url = `${originOf(request)}/templates/${encodeURIComponent(template)}/files/${hash}?token=${token}`;
    return reply.code(201).send({ present, url });
  });

  app.post<WithParams>("/v2/templates/:id/builds/:build", async (request, reply) => {
    const caller = demand(request);
    const build = found(request);
    const asked = parse(schemas.templateBuild, request.body);
    const isImage = !asked.fromTemplate && !!asked.fromImage && !BASE_IMAGE.test(asked.fromImage);
    const translated = translate(asked, (hash) => archives.path(hash), isImage);
    for (const hash of hashesOf(asked)) {
      if (!build.files.has(hash) || !(await archives.has(hash)))
        throw new ApiError(400, `Invalid request: the files ${hash} have not been sent`);
      await archives.touch(hash);
    }
    builds.start(build, caller, async () => ({
      from: await baseOf(caller, asked, sandboxes.templates),
      ...translated,
    }));
    // Clients take an empty answer without a length for JSON.
    return reply.code(202).header("content-length", 0).send();
  });
}

/** Files come to the URL that a build was told, which has a token: the SDKs send no key there. */
export function addUploadRoute(
  app: FastifyInstance,
  { builds, archives }: Pick<BuildRoutesOptions, "builds" | "archives">,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));
  app.put<WithParams & { Body: IncomingMessage | undefined }>(
    "/templates/:id/files/:hash",
    async (request, reply) => {
      const hash = parseFilesHash(request.params.hash);
      const token = text(request.query["token"]) ?? "";
      builds.demandExpected(parseReference(request.params.id), hash, token);
      const { body, headers } = request;
      if (body === undefined || !/^\d{1,15}$/.test(headers["content-length"] ?? ""))
        throw new ApiError(411, "Files are sent with their Content-Length");
      allowLongBody(request.raw);
      const bytes = Number(headers["content-length"]);
      await archives.save(hash, body, bytes, builds.usedFiles()).catch((error: unknown) => {
        if (!request.raw.destroyed) limitBody(request.raw);
        throw error;
      });
      return reply.code(200).header("content-length", 0).send();
    },
  );
}

/** How the client reaches this server, perhaps through another one. */
function originOf({ headers, protocol }: FastifyRequest): string {
  const isSecure = protocol === "https" || headers["x-forwarded-proto"] === "https";
  return `${isSecure ? "https" : "http"}://${String(headers[":authority"] ?? headers.host)}`;
}

/** What a build begins with. @throws 400, 404 */
async function baseOf(
  caller: Caller,
  { fromImage, fromTemplate, fromImageRegistry }: z.output<typeof schemas.templateBuild>,
  templates: Templates,
): Promise<TemplateRequest["from"]> {
  if (fromTemplate) {
    if (templates.has(fromTemplate)) return templates.resolve(fromTemplate);
    const built = await templates.findBuilt(caller, fromTemplate);
    if (built === undefined) throw templateNotFound(fromTemplate);
    return built.reference;
  }
  if (!fromImage)
    throw new ApiError(400, "Invalid request: a build needs fromTemplate or fromImage");
  if (BASE_IMAGE.test(fromImage)) return templates.resolve("base");
  // Files of this machine are nobody's who only has a key.
  if (/^(?:oci|docker-archive):/.test(fromImage))
    throw new ApiError(400, `Invalid request: fromImage: ${fromImage} is not in a registry`);
  if (!fromImageRegistry) return { image: fromImage };
  const { type, username, password } = fromImageRegistry;
  if (type !== "registry" || !username || password == null)
    throw new ApiError(
      400,
      `Invalid request: fromImageRegistry: ${type === "registry" ? "needs username and password" : `credentials of the kind ${type} are not supported: give a username and a password`}`,
    );
  return { image: fromImage, username, password };
}
