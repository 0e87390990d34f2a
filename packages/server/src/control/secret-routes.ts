import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { notImplemented } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { SecretInfo } from "../secrets/secrets.ts";
import { callerOf } from "./caller.ts";
import { sendPage, text } from "./list-routes.ts";
import { page, readLimit } from "./paging.ts";
import { parse } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
}

const name = z
  .string()
  .transform((given) => given.toLowerCase())
  .refine(
    (given) => /^(?!sec_)[a-z0-9][a-z0-9._-]{0,127}$/.test(given),
    "must be 1 to 128 letters, digits, `.`, `_` and `-`, the first a letter or digit, and not begin with `sec_`",
  );
const value = z
  .string()
  .regex(/^[\x20-\x7e]{1,2048}$/, "must be 1 to 2048 printable ASCII characters, in one line");
const bytes = (most: number) =>
  z.string().refine((given) => Buffer.byteLength(given) <= most, `may have ${most} bytes`);
const metadata = z
  .record(bytes(128), bytes(1024))
  .refine((given) => Object.keys(given).length <= 32, "may have 32 entries")
  .refine(
    (given) => Buffer.byteLength(Object.entries(given).flat().join("")) <= 8192,
    "may have 8192 bytes",
  );
const created = z.object({ name, value, metadata: metadata.nullish() });
const updated = z.object({ value, metadata: metadata.nullish() });

/** Secrets of the caller's tenant. Values come in, and never go out. */
export function addSecretRoutes(app: FastifyInstance, sandboxes: Sandboxes): void {
  const { secrets } = sandboxes;
  app.addHook("onRequest", async () => {
    if (!sandboxes.capabilities.network) throw notImplemented("filling in secrets");
  });

  app.get<{ Querystring: Query }>("/secrets", async (request, reply) => {
    const { query } = request;
    const listed = page(
      secrets.list(callerOf(request).tenant),
      ({ createdAt, secretId }) => ({ time: createdAt, id: secretId }),
      {
        order: "desc",
        limit: readLimit(text(query["limit"])),
        token: text(query["nextToken"]),
      },
    );
    return sendPage(reply, listed, describe);
  });

  app.post("/secrets", async (request, reply) => {
    const { metadata, ...given } = parse(created, request.body);
    const secret = secrets.create(callerOf(request).tenant, { ...given, metadata: metadata ?? {} });
    return reply.code(201).send(describe(secret));
  });

  app.get<WithId>("/secrets/:id", async (request) =>
    describe(secrets.get(callerOf(request).tenant, request.params.id)),
  );

  app.post<WithId>("/secrets/:id", async (request) => {
    const { value, metadata } = parse(updated, request.body);
    const change = { value, metadata: metadata ?? undefined };
    return describe(secrets.update(callerOf(request).tenant, request.params.id, change));
  });

  app.delete<WithId>("/secrets/:id", async (request, reply) => {
    secrets.remove(callerOf(request).tenant, request.params.id);
    return reply.code(204).send();
  });
}

function describe(secret: SecretInfo): Record<string, unknown> {
  return {
    secretID: secret.secretId,
    name: secret.name,
    currentVersion: secret.version,
    metadata: secret.metadata,
    createdAt: new Date(secret.createdAt).toISOString(),
    updatedAt: new Date(secret.updatedAt).toISOString(),
  };
}
