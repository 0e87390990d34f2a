import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { ApiError, notImplemented } from "../api-error.ts";
import { eventTypes, teamIdOf } from "../events/event.ts";
import type { EventQuery, KeptEvent } from "../events/event-rows.ts";
import type { Webhook } from "../events/webhook-rows.ts";
import type { Webhooks } from "../events/webhooks.ts";
import type { Store } from "../store.ts";
import { type Caller, sees } from "../tenants.ts";
import { callerOf } from "./caller.ts";
import { text } from "./list-routes.ts";
import { parse, parseSandboxId } from "./schemas.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;
interface WithId {
  Params: { id: string };
  Querystring: Query;
}

const USUAL_LIMIT = 10;
const MOST = 100;

const fields = {
  name: z.string().min(1).max(200),
  url: z.string().max(2048),
  enabled: z.boolean(),
  events: z.array(z.enum(eventTypes)).min(1).max(50),
  signatureSecret: z.string().min(1).max(1024),
};
const creation = z.object({ ...fields, enabled: fields.enabled.nullish() });
const change = z.object(fields).partial();

/** What happened to sandboxes, and whom to tell. */
export function addEventRoutes(
  app: FastifyInstance,
  { store, webhooks }: { readonly store: Store; readonly webhooks: Webhooks },
): void {
  app.get<{ Querystring: Query }>("/events/sandboxes", async (request) => {
    const caller = callerOf(request);
    return store.events.list(readQuery(request)).map((event) => describeEvent(event, caller));
  });

  app.get<WithId>("/events/sandboxes/:id", async (request) => {
    const caller = callerOf(request);
    const sandboxId = parseSandboxId(request.params.id);
    const ofSandbox = { ...readQuery(request), sandboxId };
    const found = store.events.list(ofSandbox);
    if (found.length === 0 && store.events.list({ ...ofSandbox, ...first }).length === 0)
      throw new ApiError(404, `There are no events of sandbox "${sandboxId}"`);
    return found.map((event) => describeEvent(event, caller));
  });

  app.get("/events/webhooks", async (request) => {
    const caller = callerOf(request);
    return store.webhooks.list(tenantOf(caller)).map((webhook) => describe(webhook, caller));
  });

  app.post("/events/webhooks", async (request, reply) => {
    if (!webhooks.areAllowed) throw notImplemented("telling webhooks");
    const caller = callerOf(request);
    const { signatureSecret, enabled, ...given } = parse(creation, request.body);
    const asked = { ...given, enabled: enabled ?? true, secret: signatureSecret };
    return reply.code(201).send(describe(await webhooks.create(caller.tenant, asked), caller));
  });

  const found = ({ params }: { readonly params: { id: string } }, caller: Caller): Webhook => {
    const webhook = store.webhooks.get(params.id);
    if (webhook !== undefined && sees(caller, webhook.tenant)) return webhook;
    throw new ApiError(404, "There is no such webhook");
  };

  app.get<WithId>("/events/webhooks/:id", async (request) => {
    const caller = callerOf(request);
    return describe(found(request, caller), caller);
  });

  app.patch<WithId>("/events/webhooks/:id", async (request) => {
    const caller = callerOf(request);
    const webhook = found(request, caller);
    const { signatureSecret, ...given } = parse(change, request.body);
    const changes = { ...given, secret: signatureSecret };
    return describe(await webhooks.change(webhook, changes), caller);
  });

  app.delete<WithId>("/events/webhooks/:id", async (request) => {
    const { id } = found(request, callerOf(request));
    webhooks.remove(id);
    return { id };
  });
}

const first = { offset: 0, limit: 1, types: undefined };

function tenantOf(caller: Caller): string | undefined {
  return caller.isOperator ? undefined : caller.tenant;
}

function describeEvent({ tenant, event }: KeptEvent, caller: Caller): Record<string, unknown> {
  return { ...event, ...(caller.isOperator && { tenant }) };
}

/** The secret is told to nobody. */
function describe(webhook: Webhook, caller: Caller): Record<string, unknown> {
  const { id, tenant, name, url, enabled, events, createdAt } = webhook;
  return {
    ...{ id, name, url, enabled, events },
    teamId: teamIdOf(tenant),
    createdAt: createdAt.toISOString(),
    ...(caller.isOperator && { tenant }),
  };
}

function readQuery(request: FastifyRequest<{ Querystring: Query }>): EventQuery {
  const { query } = request;
  const types = [query["types"] ?? []].flat().flatMap((part) => part.split(","));
  const asked = parse(z.array(z.enum(eventTypes)), types);
  return {
    tenant: tenantOf(callerOf(request)),
    types: asked.length === 0 ? undefined : asked,
    offset: readNumber(text(query["offset"]), "offset", 0, 0, 1_000_000),
    limit: readNumber(text(query["limit"]), "limit", USUAL_LIMIT, 1, MOST),
    ascending: readBoolean(text(query["orderAsc"])),
  };
}

function readNumber(
  value: string | undefined,
  name: string,
  usual: number,
  least: number,
  most: number,
): number {
  const number = /^\d{1,9}$/.test(value ?? String(usual)) ? Number(value ?? usual) : -1;
  if (number >= least && number <= most) return number;
  throw new ApiError(400, `Invalid ${name}: must be a whole number from ${least} to ${most}`);
}

function readBoolean(value: string | undefined): boolean {
  if (value === undefined || value === "" || value === "false") return false;
  if (value === "true") return true;
  throw new ApiError(400, "Invalid orderAsc: must be true or false");
}
