import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyServerFactory,
} from "fastify";
import type { Logger } from "pino";
import { ApiError, errorBody, toApiError } from "../api-error.ts";
import type { Webhooks } from "../events/webhooks.ts";
import type { HostCheck } from "../hosts.ts";
import type { Samples } from "../observed/samples.ts";
import type { Store } from "../store.ts";
import { addBuildRoutes, addUploadRoute, type BuildRoutesOptions } from "./build-routes.ts";
import { addBuildStatusRoutes } from "./build-status-routes.ts";
import { demandCaller, demandOperator, rememberCaller } from "./caller.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addListRoutes } from "./list-routes.ts";
import { addObservationRoutes } from "./observation-routes.ts";
import { addSandboxRoutes } from "./sandbox-routes.ts";
import { addSecretRoutes } from "./secret-routes.ts";
import { addSnapshotRoutes } from "./snapshot-routes.ts";
import { addTagRoutes } from "./tag-routes.ts";
import { addTeamRoutes } from "./team-routes.ts";
import { addTemplateRoutes, type TemplateRoutesOptions } from "./template-routes.ts";
import { addVolumeContentRoutes, addVolumeRoutes } from "./volume-routes.ts";

const BODY_BYTES = 1024 * 1024;
const PARAMETER_LENGTH = 512;

export interface ControlOptions extends BuildRoutesOptions, TemplateRoutesOptions {
  readonly store: Store;
  readonly samples: Samples;
  readonly webhooks: Webhooks;
  readonly checkHost: HostCheck;
  readonly domain: () => string;
  readonly log: Logger;
  /** The text of `/metrics`, and its content type. */
  readonly metrics: () => Promise<{ type: string; text: string }>;
  /** Others than this machine may connect, so `/metrics` needs a key; if tenants share it, the operator's. */
  readonly isExposed: boolean;
  readonly serverFactory: FastifyServerFactory;
}

/** E2B's control plane: what is done to sandboxes, rather than in them. */
export function createControl(options: ControlOptions): FastifyInstance {
  const { sandboxes, keys, checkHost, domain, log } = options;
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    routerOptions: { maxParamLength: PARAMETER_LENGTH },
    serverFactory: options.serverFactory,
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => fail(error, reply, log),
  });

  app.removeAllContentTypeParsers();
  // Clients declare all kinds of content types; they mean JSON.
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? undefined : JSON.parse(String(body)));
    } catch {
      done(new ApiError(400, "Invalid request: the body is not JSON"));
    }
  });
  app.setErrorHandler((error, _request, reply) => fail(error as FastifyError, reply, log));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0]!.slice(0, 200);
    return fail(new ApiError(404, `there is no ${request.method} ${path}`), reply, log);
  });

  app.get("/health", async ({ headers }) => {
    checkHost(headers);
    return { status: "ok" };
  });
  app.get("/metrics", async (request, reply) => {
    checkHost(request.headers);
    if (keys.isShared) demandOperator(request.headers, keys);
    else if (options.isExposed) demandCaller(request.headers, keys);
    const { type, text } = await options.metrics();
    return reply.header("content-type", type).send(text);
  });
  app.register(async (guarded) => {
    guarded.addHook("onRequest", async (request) => {
      rememberCaller(request, keys);
      checkHost(request.headers);
    });
    addSandboxRoutes(guarded, sandboxes, domain);
    addListRoutes(guarded, sandboxes);
    addSnapshotRoutes(guarded, sandboxes);
    addTemplateRoutes(guarded, options);
    addTagRoutes(guarded, options);
    guarded.register(async (scope) => addSecretRoutes(scope, sandboxes));
    addBuildRoutes(guarded, options);
    addBuildStatusRoutes(guarded, options);
    addObservationRoutes(guarded, options);
    addEventRoutes(guarded, options);
    addTeamRoutes(guarded, options);
    addVolumeRoutes(guarded, sandboxes.volumes);
  });
  app.register(async (tokens) => {
    tokens.addHook("onRequest", async ({ headers }) => checkHost(headers));
    addUploadRoute(tokens, options);
    addVolumeContentRoutes(tokens, sandboxes.volumes);
  });
  return app;
}

type Reply = Parameters<FastifyInstance["errorHandler"]>[2];

/** Answers with an error; one of the framework's has a status, and its own text is not needed. */
function fail(error: FastifyError | ApiError, reply: Reply, log: Logger): unknown {
  const known = error instanceof ApiError ? error : fromFramework(error);
  if (known.status >= 500 && known.status !== 501) log.error({ err: error }, "a request failed");
  if (known.retryAfterSeconds !== undefined) reply.header("retry-after", known.retryAfterSeconds);
  return reply.code(known.status).type("application/json").send(errorBody(known));
}

function fromFramework(error: FastifyError): ApiError {
  const { statusCode } = error;
  if (error.code?.startsWith("FST_") && statusCode !== undefined && statusCode < 500)
    return new ApiError(statusCode, `Invalid request: ${error.message}`);
  return toApiError(error);
}
