import type { Dispatcher } from "undici";
import { z } from "zod";
import { EmberboxError } from "../../errors.ts";
import type { SandboxProvider } from "../../provider.ts";
import type { BuiltTemplate, ImageSource, TemplateTag } from "../../template-request.ts";
import { segment } from "../../wire/segment.ts";
import { type Api, parseAnswer } from "../api.ts";
import { renamed } from "../api-error.ts";
import { build } from "./build.ts";

const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const listedSchema = z.array(
  z.object({
    templateID: z.string(),
    names: z.array(z.string()).nullish(),
    aliases: z.array(z.string()).nullish(),
    buildCount: z.number().nullish(),
  }),
);
const buildsSchema = z.object({
  builds: z.array(
    z.object({
      buildID: z.string(),
      createdAt: date,
      memoryMB: z.number(),
      cpuCount: z.number(),
      diskSizeMB: z.number().nullish(),
    }),
  ),
});
const tagsSchema = z.array(z.object({ tag: z.string(), buildID: z.string(), createdAt: date }));
const assignedSchema = z.object({ buildID: z.string() });

type Methods = Required<
  Pick<
    SandboxProvider,
    | "buildTemplate"
    | "listTemplates"
    | "deleteTemplate"
    | "tagTemplate"
    | "untagTemplate"
    | "listTemplateTags"
  >
>;

export interface TemplatesOptions {
  readonly api: Api;
  readonly dispatcher: Dispatcher;
  /** The service's name for a template of ours. */
  readonly nameOf: (template: string) => string;
  readonly refuse: (option: string) => Error;
}

const pathOf = (name: string): string => `/templates/${segment(name)}`;

/** Templates of one's own, as the service keeps them. */
export function e2bTemplates({ api, dispatcher, nameOf, refuse }: TemplatesOptions): Methods {
  const tagsOf = async (name: string, signal?: AbortSignal): Promise<TemplateTag[]> => {
    const path = `${pathOf(name)}/tags`;
    const { status, body } = await api.send({ method: "GET", path, signal }, [404]);
    if (status === 404) return [];
    return parseAnswer(tagsSchema, body)
      .map(({ tag, buildID, createdAt }) => ({ tag, buildId: buildID, createdAt }))
      .toSorted((one, other) => (one.tag < other.tag ? -1 : 1));
  };
  /** Builds that have tags, the newest first. */
  const buildsOf = async (id: string, name: string, signal?: AbortSignal) => {
    const tags = await tagsOf(id, signal);
    if (tags.length === 0) return [];
    const wanted = new Set(tags.map(({ buildId }) => buildId));
    const found: BuiltTemplate[] = [];
    for (let nextToken: string | undefined, first = true; first || nextToken; first = false) {
      const query = { limit: "100", nextToken };
      const answer = await api.send({ method: "GET", path: pathOf(id), query, signal });
      nextToken = answer.nextToken;
      for (const { buildID, ...build } of parseAnswer(buildsSchema, answer.body).builds) {
        if (!wanted.has(buildID)) continue;
        const { createdAt, memoryMB, cpuCount, diskSizeMB } = build;
        found.push({
          name,
          tags: tags.flatMap(({ tag, buildId }) => (buildId === buildID ? [tag] : [])),
          ...{ buildId: buildID, createdAt, memoryMB, cpuCount },
          ...(diskSizeMB && { sizeBytes: diskSizeMB * 1024 * 1024 }),
        });
      }
    }
    return found.toSorted((one, other) => Number(other.createdAt) - Number(one.createdAt));
  };
  const demandBuild = async (name: string, buildId: string, signal?: AbortSignal) => {
    const found = (await buildsOf(name, name, signal)).find((each) => each.buildId === buildId);
    if (found !== undefined) return found;
    throw new EmberboxError("protocol_error", `The service does not list its build ${buildId}`);
  };

  return {
    async buildTemplate(request, { network, networkCeiling, ...options }) {
      if (network !== undefined) throw refuse("network");
      if (networkCeiling !== undefined) throw refuse("networkCeiling");
      const { name, signal } = options;
      const from = typeof request.from === "string" ? nameOf(request.from) : request.from;
      if (typeof from === "string")
        await api
          .send({ method: "GET", path: `/templates/aliases/${segment(from)}`, signal })
          .catch((error: unknown) => {
            throw renamed(error, "sandbox_not_found", "unknown_template");
          });
      const { buildId } = await build(request, {
        ...options,
        api,
        dispatcher,
        from: beginning(from),
      });
      return demandBuild(name, buildId, signal);
    },
    async listTemplates({ signal } = {}) {
      const { body } = await api.send({ method: "GET", path: "/templates", signal });
      // Those of the service's own were never built by anybody.
      const own = parseAnswer(listedSchema, body).filter(({ buildCount }) => buildCount !== 0);
      const all: BuiltTemplate[] = [];
      for (const { templateID, names, aliases } of own) {
        // A team's name may come first.
        const name = (names?.[0] ?? aliases?.[0] ?? templateID).split("/").at(-1)!;
        all.push(...(await buildsOf(templateID, name, signal)));
      }
      return all.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    },
    async deleteTemplate(name, { signal } = {}) {
      // A snapshot might have that name.
      const known = await api.send({ method: "GET", path: pathOf(name), signal }, [404]);
      if (known.status === 404) return false;
      const path = pathOf(name);
      return (await api.send({ method: "DELETE", path, signal }, [404])).status !== 404;
    },
    async tagTemplate(target, tags, { signal } = {}) {
      const body = { target, tags };
      const path = "/templates/tags";
      const answer = await api
        .send({ method: "POST", path, body, signal })
        .catch((error: unknown) => {
          throw renamed(error, "sandbox_not_found", "unknown_template");
        });
      const [name = ""] = target.split(":");
      return demandBuild(name, parseAnswer(assignedSchema, answer.body).buildID, signal);
    },
    async untagTemplate(name, tags, { signal } = {}) {
      const had = (await tagsOf(name, signal)).filter(({ tag }) => tags.includes(tag));
      if (had.length === 0) return false;
      const body = { name, tags: had.map(({ tag }) => tag) };
      await api.send({ method: "DELETE", path: "/templates/tags", body, signal }, [404]);
      return true;
    },
    listTemplateTags: (name, { signal } = {}) => tagsOf(name, signal),
  };
}

/** What a build begins with, as the body of the request has it. */
function beginning(from: string | ImageSource): Record<string, unknown> {
  if (typeof from === "string") return { fromTemplate: from };
  const { image, username, password } = from;
  if (username === undefined) return { fromImage: image };
  return { fromImage: image, fromImageRegistry: { type: "registry", username, password } };
}
