import { Agent } from "undici/index.js";
import { z } from "zod";
import { checkedProvider } from "../checked-provider.ts";
import { EmberboxError } from "../errors.ts";
import type { CreateOptions, SandboxInfo, SandboxProvider, SnapshotInfo } from "../provider.ts";
import { DEFAULT_TEMPLATE, MCP_TEMPLATE, usualTemplate } from "../templates.ts";
import { segment } from "../wire/segment.ts";
import { networkBody, sandboxSchema, snapshotSchema, updateBody } from "./answers.ts";
import { createApi, parseAnswer, type ApiRequest } from "./api.ts";
import { apiError, renamed } from "./api-error.ts";
import { accessSchema, closedFate, E2bConnection, pausedFate, type Fate } from "./connection.ts";
import { type E2bOptions, resolveOptions } from "./options.ts";
import { e2bTemplates } from "./templates/templates.ts";

const USUAL_MS = 300_000;
/** E2B's name for the template that runs code. */
const CODE_TEMPLATE = "code-interpreter-v1";
const PAGE = "100";
/** How many sandboxes' ends are remembered. */
const FATES = 10_000;
/** At most as many forks as an answer may contain. */
const forksSchema = z
  .array(
    z.object({
      sandbox: accessSchema.nullish(),
      error: z.object({ code: z.int(), message: z.string() }).nullish(),
    }),
  )
  .max(100);

/**
 * Sandboxes of a service that speaks E2B's protocol: E2B's cloud, a self-hosted E2B, or `emberbox serve`. They outlive
 * this program, until their lifetime ends.
 * @throws `unauthorized` without an API key, `invalid_argument`
 */
export function e2b(options: E2bOptions = {}): SandboxProvider {
  const settings = resolveOptions(options);
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const api = createApi(settings, dispatcher);
  const fates = new Map<string, Fate>();
  const ends = new Map<string, AbortController>();
  const asking = new Set<string>();
  const learn = (sandboxId: string, fate: Fate): void => {
    fates.delete(sandboxId);
    fates.set(sandboxId, fate);
    if (fates.size > FATES) fates.delete(fates.keys().next().value!);
    if (fate.until < Infinity) return;
    ends.get(sandboxId)?.abort(fate.error);
    ends.delete(sandboxId);
  };
  /** One signal per sandbox, shared by all connections to it; the least recently used signals are dropped. */
  const endOf = (sandboxId: string): AbortSignal => {
    const end = ends.get(sandboxId) ?? new AbortController();
    ends.delete(sandboxId);
    ends.set(sandboxId, end);
    if (ends.size > FATES) ends.delete(ends.keys().next().value!);
    return end.signal;
  };

  const investigate = (sandboxId: string): void => {
    if (asking.has(sandboxId)) return;
    asking.add(sandboxId);
    getInfo(sandboxId)
      .then(({ state, lifecycle }) => {
        if (state === "paused" && !lifecycle?.autoResume) learn(sandboxId, pausedFate());
      })
      .catch((error: unknown) => {
        const isGone = EmberboxError.isInstance(error) && error.code === "sandbox_not_found";
        if (isGone) learn(sandboxId, closedFate());
      })
      .finally(() => asking.delete(sandboxId));
  };
  const connectionTo = (body: unknown): E2bConnection => {
    const access = parseAnswer(accessSchema, body);
    const { sandboxID } = access;
    fates.delete(sandboxID);
    return new E2bConnection(access, {
      settings,
      dispatcher,
      fate: () => fates.get(sandboxID),
      ended: endOf(sandboxID),
      investigate: () => investigate(sandboxID),
    });
  };
  const getInfo = async (sandboxId: string): Promise<SandboxInfo> => {
    const { body } = await api.send({ method: "GET", path: pathOf(sandboxId) });
    return parseAnswer(sandboxSchema, body);
  };
  const readPages = async <Item>(
    request: Omit<ApiRequest, "method">,
    schema: z.ZodType<Item>,
  ): Promise<Item[]> => {
    const items: Item[] = [];
    for (let nextToken: string | undefined, first = true; first || nextToken; first = false) {
      const query = { ...request.query, limit: PAGE, nextToken };
      const answer = await api.send({ ...request, method: "GET", query });
      items.push(...parseAnswer(z.array(schema), answer.body));
      nextToken = answer.nextToken;
    }
    return items;
  };

  return checkedProvider({
    name: "e2b",
    capabilities: Object.freeze({
      setTimeout: true,
      pause: true,
      snapshots: true,
      fork: true,
      network: true,
      egressProxy: true,
      updateNetwork: true,
      templates: true,
      mcp: true,
    }),
    // An account's other templates are not known here.
    templates: () => [usualTemplate, { ...usualTemplate, name: CODE_TEMPLATE }],
    async create(createOptions) {
      const { signal } = createOptions;
      const body = createBody(createOptions);
      try {
        const path = "/sandboxes";
        const answer = await api.sendEither({ method: "POST", path, body, signal, isWork: true });
        return connectionTo(answer.body);
      } catch (error) {
        throw renamed(error, "sandbox_not_found", "unknown_template");
      }
    },
    async connect(sandboxId, { timeoutMs, onResume, networkCeiling, signal } = {}) {
      if (networkCeiling !== undefined) throw noOption("networkCeiling");
      const answer = await api.sendEither({
        method: "POST",
        path: `${pathOf(sandboxId)}/connect`,
        body: {
          timeout: seconds(timeoutMs ?? USUAL_MS),
          ...(onResume === "reboot" && { memory: false }),
        },
        signal,
        isWork: true,
      });
      return connectionTo(answer.body);
    },
    list: () =>
      readPages({ path: "/v2/sandboxes", query: { state: "running,paused" } }, sandboxSchema),
    getInfo,
    async kill(sandboxId) {
      const { status } = await api.send({ method: "DELETE", path: pathOf(sandboxId) }, [404]);
      learn(sandboxId, closedFate());
      return status !== 404;
    },
    async setTimeout(sandboxId, timeoutMs) {
      const path = `${pathOf(sandboxId)}/timeout`;
      await api.send({ method: "POST", path, body: { timeout: seconds(timeoutMs) } });
    },
    async pause(sandboxId, { keepMemory, signal } = {}) {
      const path = `${pathOf(sandboxId)}/pause`;
      const body = keepMemory === false ? { memory: false } : {};
      const { status } = await api.send(
        { method: "POST", path, body, signal, isWork: true },
        [409],
      );
      learn(sandboxId, pausedFate());
      return status !== 409;
    },
    async createSnapshot(sandboxId, { name, signal } = {}): Promise<SnapshotInfo> {
      const path = `${pathOf(sandboxId)}/snapshots`;
      const body = name === undefined ? {} : { name };
      const answer = await api.send({ method: "POST", path, body, signal, isWork: true });
      return { ...parseAnswer(snapshotSchema, answer.body), sandboxId };
    },
    listSnapshots: ({ sandboxId, name, signal } = {}) =>
      readPages(
        { path: "/snapshots", query: { sandboxID: sandboxId, name }, signal },
        snapshotSchema,
      ),
    async deleteSnapshot(snapshotId, { signal } = {}) {
      const path = `/templates/${segment(snapshotId)}`;
      return (await api.send({ method: "DELETE", path, signal }, [404])).status !== 404;
    },
    async fork(sandboxId, { count, timeoutMs, signal } = {}) {
      const path = `${pathOf(sandboxId)}/fork`;
      const body = { count: count ?? 1, timeout: seconds(timeoutMs ?? USUAL_MS) };
      const answer = await api.send({ method: "POST", path, body, signal, isWork: true });
      return parseAnswer(forksSchema, answer.body).map(({ sandbox, error }) =>
        sandbox ? connectionTo(sandbox) : apiError(error?.code ?? 500, error),
      );
    },
    async updateNetwork(sandboxId, network) {
      const path = `${pathOf(sandboxId)}/network`;
      await api.send({ method: "PUT", path, body: updateBody(network) });
    },
    ...e2bTemplates({ api, dispatcher, nameOf: serviceName, refuse: noOption }),
    // The sandboxes belong to the service and stay.
    [Symbol.asyncDispose]: () => dispatcher.close(),
  });
}

/** @throws `unsupported` for options that the protocol cannot express, `invalid_argument` */
function createBody(options: CreateOptions): Record<string, unknown> {
  const {
    template,
    envs,
    metadata,
    timeoutMs,
    lifecycle,
    network,
    mcp,
    signal: _signal,
    ...rest
  } = options;
  const refused = Object.entries(rest).find(([, value]) => value !== undefined)?.[0];
  if (refused !== undefined) throw noOption(refused);
  if (lifecycle?.pausedTtlMs !== undefined) throw noOption("lifecycle.pausedTtlMs");
  const usual = mcp === undefined ? CODE_TEMPLATE : MCP_TEMPLATE;
  return {
    templateID: template === undefined || template === DEFAULT_TEMPLATE ? usual : template,
    timeout: seconds(timeoutMs ?? USUAL_MS),
    secure: true,
    ...(metadata && { metadata }),
    ...(envs && { envVars: envs }),
    ...(mcp && { mcp }),
    ...(lifecycle?.onTimeout === "pause" && {
      autoPause: true,
      ...(lifecycle.keepMemory === false && { autoPauseMemory: false }),
      autoResume: { enabled: lifecycle.autoResume ?? false },
    }),
    ...networkBody(network),
  };
}

function noOption(name: string): EmberboxError {
  return new EmberboxError("unsupported", `The provider e2b has no \`${name}\` option`, {
    hint: "A sandbox's size is its template's there; use another provider for the rest.",
  });
}

const serviceName = (template: string): string =>
  template === DEFAULT_TEMPLATE ? CODE_TEMPLATE : template;
const pathOf = (sandboxId: string): string => `/sandboxes/${segment(sandboxId)}`;

/** Rounds up to whole seconds. */
const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
