import type { FastifyInstance } from "fastify";
import { notImplemented } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { callerOf } from "./caller.ts";
import { describeSnapshot } from "./describe.ts";
import { sendPage, text } from "./list-routes.ts";
import { page, readLimit } from "./paging.ts";
import * as schemas from "./schemas.ts";
import { parse, parseReference, parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Snapshots, from which sandboxes are made as from templates. */
export function addSnapshotRoutes(app: FastifyInstance, sandboxes: Sandboxes): void {
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
  ["POST", "/templates"],
  ["POST", "/v2/templates"],
] as const;
