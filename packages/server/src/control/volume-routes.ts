import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { VolumeEntry } from "@emberbox/core";
import type { VolumeFiles } from "@emberbox/core/provider";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../api-error.ts";
import { allowLongBody, limitBody } from "../body-limit.ts";
import type { Volumes } from "../volumes.ts";
import type { VolumeRow } from "../volume-rows.ts";
import { callerOf } from "./caller.ts";
import * as schemas from "./schemas.ts";
import { parse, parseReference } from "./schemas.ts";

interface WithId {
  Params: { id: string };
}

/** Making, finding and removing volumes. */
export function addVolumeRoutes(app: FastifyInstance, volumes: Volumes): void {
  const withToken = ({ volumeId, name }: VolumeRow) => ({
    volumeID: volumeId,
    name,
    token: volumes.tokenOf(volumeId),
  });
  app.get("/volumes", async (request) =>
    volumes.list(callerOf(request)).map(({ volumeId, name }) => ({ volumeID: volumeId, name })),
  );
  app.post("/volumes", async (request, reply) => {
    const { name } = parse(schemas.volume, request.body);
    const row = await volumes.create(callerOf(request), name);
    return reply.code(201).send(withToken(row));
  });
  app.get<WithId>("/volumes/:id", async (request) =>
    withToken(volumes.find(callerOf(request), parseReference(request.params.id))),
  );
  app.delete<WithId>("/volumes/:id", async (request, reply) => {
    await volumes.delete(callerOf(request), parseReference(request.params.id));
    return reply.code(204).send();
  });
}

interface Content {
  Params: { id: string };
  Querystring: Readonly<Record<string, string | string[] | undefined>>;
  Body: IncomingMessage | undefined;
}
type ContentRequest = FastifyRequest<Content>;

/** A volume's files, for whoever has its token: the SDKs send no key there. */
export function addVolumeContentRoutes(app: FastifyInstance, volumes: Volumes): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));
  const filesOf = ({ params, headers }: ContentRequest): VolumeFiles => {
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
    return volumes.files(parseReference(params.id), token);
  };

  app.get<Content>("/volumecontent/:id/path", async (request) => {
    const files = filesOf(request);
    return describe(await files.getInfo(query(request).path));
  });
  app.patch<Content>("/volumecontent/:id/path", async (request) => {
    const files = filesOf(request);
    const { path } = query(request);
    const metadata = parse(schemas.volumeMetadata, await shortJson(request));
    return describe(await files.updateMetadata(path, given(metadata)));
  });
  app.delete<Content>("/volumecontent/:id/path", async (request, reply) => {
    const files = filesOf(request);
    await files.remove(query(request).path);
    return reply.code(204).send();
  });
  app.get<Content>("/volumecontent/:id/dir", async (request) => {
    const files = filesOf(request);
    const { path, depth } = query(request);
    return (await files.list(path, given({ depth }))).map(describe);
  });
  app.post<Content>("/volumecontent/:id/dir", async (request, reply) => {
    const files = filesOf(request);
    const { path, depth: _, ...options } = query(request);
    return reply.code(201).send(describe(await files.makeDir(path, given(options))));
  });
  app.get<Content>("/volumecontent/:id/file", async (request, reply) => {
    const files = filesOf(request);
    const stream = Readable.fromWeb((await files.readFile(query(request).path)) as never);
    return reply.type("application/octet-stream").send(stream);
  });
  app.put<Content>("/volumecontent/:id/file", async (request, reply) => {
    const files = filesOf(request);
    const { path, depth: _, ...options } = query(request);
    allowLongBody(request.raw);
    try {
      const data: AsyncIterable<Uint8Array> = request.body ?? Readable.from([]);
      const entry = await files.writeFile(path, data, given(options));
      return await reply.code(201).send(describe(entry));
    } finally {
      // What is left of a body that nobody reads has to end as well.
      if (!request.raw.readableEnded) limitBody(request.raw);
    }
  });
}

const query = ({ query: asked }: ContentRequest) => parse(schemas.volumeContent, asked);

const SHORT_BYTES = 4096;

async function shortJson({ body }: ContentRequest): Promise<unknown> {
  let text = "";
  for await (const part of body ?? []) {
    text += String(part);
    if (text.length > SHORT_BYTES) throw new ApiError(413, "The body is too long");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "Invalid request: the body is not JSON");
  }
}

/** Without what was left out. */
const given = <Options extends object>(options: Options): Partial<Options> =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Options>;

function describe({ atime, mtime, ctime, ...entry }: VolumeEntry): Record<string, unknown> {
  const times = { atime, mtime, ctime };
  return {
    ...entry,
    ...Object.fromEntries(Object.entries(times).map(([name, time]) => [name, time.toISOString()])),
  };
}
