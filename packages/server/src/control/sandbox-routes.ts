import type { ServerResponse } from "node:http";
import { EmberboxError } from "@emberbox/core";
import type { FastifyInstance } from "fastify";
import { ApiError, errorBody, notImplemented, sandboxNotFound, toApiError } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import type { KnownSandbox } from "../registry.ts";
import type { Sandboxes } from "../sandboxes.ts";
import { callerOf } from "./caller.ts";
import { describeAccess, describeDetail } from "./describe.ts";
import { readNetwork, readUpdate } from "./network.ts";
import * as schemas from "./schemas.ts";
import { lifetime, parse, parseSandboxId } from "./schemas.ts";

const USUAL_SECONDS = 300;
/** The lifetime in the first version of the protocol, if none is given. */
const USUAL_SECONDS_V1 = 15;

interface WithId {
  Params: { id: string };
}

/** Creating, finding, changing and ending sandboxes. */
export function addSandboxRoutes(
  app: FastifyInstance,
  sandboxes: Sandboxes,
  domain: () => string,
): void {
  const access = (
    sandboxId: string,
    { template, alias, network }: { template: string; alias: string; network: KnownNetwork },
  ) =>
    describeAccess({
      sandboxId,
      template,
      alias,
      domain: domain(),
      tokens: sandboxes.registry.tokens(sandboxId),
      isPublic: network.allowPublicTraffic !== false,
    });
  const accessTo = ({ info, alias, network }: KnownSandbox) =>
    access(info.sandboxId, { template: info.template, alias, network });

  const addCreate = (path: string, usualSeconds: number): void => {
    app.post(path, async (request, reply) => {
      const body = parse(schemas.create, request.body);
      const network = readNetwork(body, sandboxes.capabilities);
      const options = {
        ...readCreate(body, sandboxes, usualSeconds),
        ...(body.volumeMounts?.length && {
          volumeMounts: sandboxes.volumes.mounts(callerOf(request), body.volumeMounts),
        }),
        signal: whenGone(reply.raw),
      };
      const alias = body.templateID;
      const { connection, template } = await sandboxes.create(
        callerOf(request),
        alias,
        options,
        network,
      );
      return reply.code(201).send(access(connection.sandboxId, { template, alias, network }));
    });
  };
  addCreate("/v2/sandboxes", USUAL_SECONDS);
  addCreate("/sandboxes", USUAL_SECONDS_V1);

  const addConnect = (path: string, schema: typeof schemas.connect | typeof schemas.connectV1) => {
    app.post<WithId>(path, async (request, reply) => {
      const body = parse(schema, request.body);
      const sandboxId = parseSandboxId(request.params.id);
      const { resumed } = await sandboxes.connect(callerOf(request), sandboxId, {
        timeoutMs: lifetime(body.timeout, USUAL_SECONDS),
        ...(body.memory === false && { onResume: "reboot" as const }),
      });
      return reply
        .code(resumed ? 201 : 200)
        .send(accessTo(await sandboxes.registry.get(callerOf(request), sandboxId)));
    });
  };
  addConnect("/v2/sandboxes/:id/connect", schemas.connect);
  addConnect("/sandboxes/:id/connect", schemas.connectV1);

  app.post<WithId>("/sandboxes/:id/resume", async (request, reply) => {
    const body = parse(schemas.connect, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    const { info } = await sandboxes.registry.get(callerOf(request), sandboxId);
    if (info.state === "running")
      throw new ApiError(409, `Sandbox ${sandboxId} is already running`);
    await sandboxes.connect(callerOf(request), sandboxId, {
      timeoutMs: lifetime(body.timeout, USUAL_SECONDS_V1),
      ...(body.memory === false && { onResume: "reboot" as const }),
    });
    return reply
      .code(201)
      .send(accessTo(await sandboxes.registry.get(callerOf(request), sandboxId)));
  });

  app.get<WithId>("/sandboxes/:id", async (request) => {
    const known = await sandboxes.registry.get(
      callerOf(request),
      parseSandboxId(request.params.id),
    );
    return describeDetail(
      known,
      { domain: domain(), tokens: sandboxes.registry.tokens(known.info.sandboxId) },
      callerOf(request),
      sandboxes.volumes,
    );
  });

  app.delete<WithId>("/sandboxes/:id", async (request, reply) => {
    const sandboxId = parseSandboxId(request.params.id);
    if (!(await sandboxes.kill(callerOf(request), sandboxId))) throw sandboxNotFound(sandboxId);
    return reply.code(204).send();
  });

  app.post<WithId>("/sandboxes/:id/timeout", async (request, reply) => {
    const { timeout } = parse(schemas.timeout, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    // No time left means that it ends now.
    const timeoutMs = timeout === 0 ? 1 : lifetime(timeout, USUAL_SECONDS);
    await sandboxes.setTimeout(callerOf(request), sandboxId, timeoutMs);
    return reply.code(204).send();
  });

  app.post<WithId>("/sandboxes/:id/refreshes", async (request, reply) => {
    const { duration } = parse(schemas.refresh, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    const { info } = await sandboxes.registry.get(callerOf(request), sandboxId);
    const timeoutMs = (duration ?? USUAL_SECONDS_V1) * 1000;
    // It is only ever extended.
    if (Date.now() + timeoutMs > info.endAt.getTime())
      await sandboxes.setTimeout(callerOf(request), sandboxId, timeoutMs);
    return reply.code(204).send();
  });

  app.post<WithId>("/sandboxes/:id/pause", async (request, reply) => {
    const { memory } = parse(schemas.pause, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    if (!(await sandboxes.pause(callerOf(request), sandboxId, memory ?? true)))
      throw new ApiError(409, `Sandbox ${sandboxId} is already paused`);
    return reply.code(204).send();
  });

  app.put<WithId>("/sandboxes/:id/network", async (request, reply) => {
    const update = readUpdate(parse(schemas.networkUpdate, request.body));
    await sandboxes.updateNetwork(callerOf(request), parseSandboxId(request.params.id), update);
    return reply.code(204).send();
  });

  app.post<WithId>("/sandboxes/:id/fork", async (request, reply) => {
    const body = parse(schemas.fork, request.body);
    const sandboxId = parseSandboxId(request.params.id);
    const timeoutMs = lifetime(body.timeout, USUAL_SECONDS);
    const { info, alias, network } = await sandboxes.registry.get(callerOf(request), sandboxId);
    const forks = await sandboxes.fork(callerOf(request), sandboxId, body.count ?? 1, timeoutMs);
    const answers = forks.map((fork) =>
      EmberboxError.isInstance(fork)
        ? { error: errorBody(toApiError(fork)) }
        : { sandbox: access(fork.sandboxId, { template: info.template, alias, network }) },
    );
    return reply.code(201).send(answers);
  });
}

/** Aborted when the client no longer waits for its answer. */
function whenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => controller.abort(new ApiError(499, "the client went away")));
  return controller.signal;
}

function readCreate(
  body: ReturnType<typeof parse<typeof schemas.create>>,
  { capabilities }: Sandboxes,
  usualSeconds: number,
) {
  const timeoutMs = lifetime(body.timeout, usualSeconds);
  const onTimeout = body.autoPause === true ? "pause" : "kill";
  const autoResume = body.autoResume?.enabled === true;
  if (onTimeout === "pause" && !capabilities.pause) throw notImplemented("pausing");
  if (autoResume && onTimeout !== "pause") throw new ApiError(400, "autoResume needs autoPause");
  const keepMemory = body.autoPauseMemory !== false;
  if (!keepMemory && autoResume) throw new ApiError(400, "autoResume needs the memory to be kept");
  // Without a token it asks for nothing.
  if (Object.keys(body.iam?.tokens ?? {}).length > 0)
    throw notImplemented("iam (the server issues no identity tokens)");
  const wantsMcp = body.mcp !== undefined && body.mcp !== null;
  if (wantsMcp && !capabilities.mcp) throw notImplemented("mcp");
  return {
    timeoutMs,
    ...(body.metadata && { metadata: body.metadata }),
    ...(body.envVars && { envs: body.envVars }),
    // The client starts the servers, by a command of its own.
    ...(wantsMcp && { mcp: {} }),
    ...(onTimeout === "pause" && {
      lifecycle: { onTimeout, autoResume, ...(!keepMemory && { keepMemory }) } as const,
    }),
  };
}
