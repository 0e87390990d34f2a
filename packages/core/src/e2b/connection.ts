import type { Dispatcher } from "undici";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { ENVD_PORT, INTERPRETER_PORT, type Endpoint, type SandboxConnection } from "../provider.ts";
import { HOST, type Settings } from "./options.ts";

/** What `create` and `connect` answer. */
export interface Access {
  readonly sandboxID: string;
  readonly envdAccessToken?: string | null | undefined;
  readonly trafficAccessToken?: string | null | undefined;
  /** Visitors of the sandbox's own servers need no token, though there is one; E2B's own service has none then. */
  readonly publicTraffic?: boolean | undefined;
  readonly domain?: string | null | undefined;
}

const headerValue = z.string().regex(/^[\x21-\x7e]*$/);

/** Parts of host names, and values of headers. */
export const accessSchema: z.ZodType<Access> = z.object({
  sandboxID: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)?$/i),
  envdAccessToken: headerValue.nullish(),
  trafficAccessToken: headerValue.nullish(),
  publicTraffic: z.boolean().optional(),
  domain: z.union([z.literal(""), z.string().regex(HOST)]).nullish(),
});

/** Domains of E2B's own cloud, where one host takes the traffic of all sandboxes. */
const shared = new Set(["e2b.app", "e2b.dev", "e2b.pro"]);
/** How long it is remembered that a sandbox was paused: it may be resumed any time, by anybody. */
const PAUSED_MS = 1_000;

/** What is known of a sandbox's end, by all connections to it. */
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
  /** Aborted when the sandbox is known to have ended. */
  readonly ended: AbortSignal;
  /** Asks the service what became of the sandbox. */
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
    const isOurs = port === ENVD_PORT || port === INTERPRETER_PORT;
    return {
      origin: this.#origin(port),
      headers: {
        "e2b-sandbox-id": this.sandboxId,
        "e2b-sandbox-port": String(port),
        ...(isOurs && accessToken !== undefined && { "x-access-token": accessToken }),
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

  /** Where requests go that name the sandbox by headers: one address may do for all sandboxes. */
  #origin(port: number): string {
    const { sandboxUrl, domain: configured } = this.#parts.settings;
    if (sandboxUrl !== undefined) return sandboxUrl;
    const domain = this.#access.domain || configured;
    return shared.has(domain) ? `https://sandbox.${domain}` : this.#ownOrigin(port, domain);
  }

  /** Where any request goes to this sandbox. */
  #ownOrigin(port: number, domain: string, protocol = "https:"): string {
    return `${protocol}//${port}-${this.sandboxId}.${domain}`;
  }
}

/** Calls `onFailure` when a request broke, or was answered as requests to a missing sandbox are. */
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
