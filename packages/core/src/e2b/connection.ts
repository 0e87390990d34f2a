import type { Dispatcher } from "undici";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { isAgentPort } from "../envd.ts";
import type { Endpoint, SandboxConnection } from "../provider.ts";
import { HOST, type Settings } from "./options.ts";

/** The answer of `create` and `connect`. */
export interface Access {
  readonly sandboxID: string;
  readonly envdAccessToken?: string | null | undefined;
  readonly trafficAccessToken?: string | null | undefined;
  /** True when the sandbox's own servers need no token even though there is one; E2B's own service then sends none. */
  readonly publicTraffic?: boolean | undefined;
  readonly domain?: string | null | undefined;
}

const headerValue = z.string().regex(/^[\x21-\x7e]*$/);

/** These become parts of host names and header values. */
export const accessSchema: z.ZodType<Access> = z.object({
  sandboxID: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)?$/i),
  envdAccessToken: headerValue.nullish(),
  trafficAccessToken: headerValue.nullish(),
  publicTraffic: z.boolean().optional(),
  domain: z.union([z.literal(""), z.string().regex(HOST)]).nullish(),
});

/** Domains of E2B's own cloud, where one host takes the traffic of all sandboxes. */
const shared = new Set(["e2b.app", "e2b.dev", "e2b.pro"]);
/** How long a pause is remembered, in milliseconds: anyone may resume the sandbox at any time. */
const PAUSED_MS = 1_000;

/** Why a sandbox is unavailable, shared by all connections to it. */
export interface Fate {
  error: EmberboxError;
  until: number;
}

export function pausedFate(): Fate {
  const error = new EmberboxError("sandbox_paused", "the sandbox is paused");
  return { error, until: Date.now() + PAUSED_MS };
}

export function closedFate(): Fate {
  const message = "the sandbox was killed, or reached the end of its time";
  return { error: new EmberboxError("sandbox_closed", message), until: Infinity };
}

export interface ConnectionParts {
  readonly settings: Settings;
  readonly dispatcher: Dispatcher;
  fate(): Fate | undefined;
  /** Aborted once the sandbox is known to have ended. */
  readonly ended: AbortSignal;
  /** Asks the service what happened to the sandbox. */
  investigate(): void;
}

/** Reaches a sandbox through the service's proxy. */
export class E2bConnection implements SandboxConnection {
  readonly sandboxId: string;
  readonly accessToken: string | undefined;
  readonly trafficAccessToken: string | undefined;
  readonly ended: AbortSignal;
  readonly #access: Access;
  readonly #parts: ConnectionParts;
  readonly #dispatcher: Dispatcher;

  constructor(access: Access, parts: ConnectionParts) {
    this.sandboxId = access.sandboxID;
    this.accessToken = access.envdAccessToken ?? undefined;
    const { trafficAccessToken, publicTraffic = false } = access;
    this.trafficAccessToken = publicTraffic ? undefined : (trafficAccessToken ?? undefined);
    this.ended = parts.ended;
    this.#access = access;
    this.#parts = parts;
    this.#dispatcher = parts.dispatcher.compose(noticeFailures(() => parts.investigate()));
  }

  endpoint(port: number): Endpoint {
    const { accessToken, trafficAccessToken } = this;
    return {
      origin: this.#origin(port),
      headers: {
        "e2b-sandbox-id": this.sandboxId,
        "e2b-sandbox-port": String(port),
        ...(isAgentPort(port) && accessToken !== undefined && { "x-access-token": accessToken }),
        ...(trafficAccessToken !== undefined && { "e2b-traffic-access-token": trafficAccessToken }),
      },
      dispatcher: this.#dispatcher,
    };
  }

  async url(port: number): Promise<string> {
    const { sandboxUrl, domain: configured } = this.#parts.settings;
    const { domain } = this.#access;
    if (sandboxUrl === undefined) return this.#ownOrigin(port, domain || configured);
    if (domain) return this.#ownOrigin(port, domain, new URL(sandboxUrl).protocol);
    throw new EmberboxError(
      "unsupported",
      "The service names no domain for its sandboxes' servers",
    );
  }

  gone(): Error | undefined {
    const fate = this.#parts.fate();
    return fate !== undefined && Date.now() < fate.until ? fate.error : undefined;
  }

  /** The origin for requests that name the sandbox in headers: one address may serve all sandboxes. */
  #origin(port: number): string {
    const { sandboxUrl, domain: configured } = this.#parts.settings;
    if (sandboxUrl !== undefined) return sandboxUrl;
    const domain = this.#access.domain || configured;
    return shared.has(domain) ? `https://sandbox.${domain}` : this.#ownOrigin(port, domain);
  }

  /** The origin that serves this sandbox alone. */
  #ownOrigin(port: number, domain: string, protocol = "https:"): string {
    return `${protocol}//${port}-${this.sandboxId}.${domain}`;
  }
}

/** Calls `onFailure` when a request fails, or gets the answer that a missing sandbox gets. */
function noticeFailures(onFailure: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (...of) => handler.onRequestStart?.(...of),
      onRequestUpgrade: (...of) => handler.onRequestUpgrade?.(...of),
      onResponseStart(controller, status, ...rest) {
        if (status === 502) onFailure();
        handler.onResponseStart?.(controller, status, ...rest);
      },
      onResponseData: (...of) => handler.onResponseData?.(...of),
      onResponseEnd: (...of) => handler.onResponseEnd?.(...of),
      onResponseError(controller, error) {
        if (error.name !== "AbortError") onFailure();
        handler.onResponseError?.(controller, error);
      },
    });
}
