import { mkdirSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { askedBy, AuditRecorder } from "@emberbox/core/audit";
import { background } from "@emberbox/core/background";
import { within } from "@emberbox/core/concurrency";
import { pino } from "pino";
import { AgentAudit, askerOf } from "./audit/agent-audit.ts";
import { auditedProvider } from "./audit/provider.ts";
import { Archives } from "./builds/archives.ts";
import { Builds } from "./builds/builds.ts";
import { createControl } from "./control/app.ts";
import { keyOf } from "./control/caller.ts";
import { Webhooks } from "./events/webhooks.ts";
import { createHostCheck } from "./hosts.ts";
import { createListener, type Listener } from "./listener.ts";
import { createMetrics } from "./metrics.ts";
import { Followers } from "./observed/follow.ts";
import { Samples } from "./observed/samples.ts";
import { isLoopback, resolveOptions, type ServeOptions } from "./options.ts";
import { createProxy } from "./proxy/proxy.ts";
import { Sandboxes } from "./sandboxes.ts";
import { openStore } from "./store.ts";
import { createKeyring, DEFAULT_TENANT, type Keyring } from "./tenants.ts";
import { observe } from "./telemetry.ts";
import { ownCertificate } from "./tls.ts";

const SWEEP_MS = 5_000;
const OWN_DOMAIN = "sbx.localhost";

/** A listening server. */
export interface EmberboxServer extends AsyncDisposable {
  /** Base URL of E2B's API, without a final slash. */
  readonly url: string;
  readonly port: number;
  /** The suffix of sandboxes' host names. */
  readonly domain: string;
  /** One of the keys that it accepts. */
  readonly apiKey: string;
  /** With `tls: "self-signed"`, the file to trust it by, for `NODE_EXTRA_CA_CERTS`. */
  readonly certificateFile: string | undefined;
  /**
   * With `tls: "self-signed"`, a file of that and of all authorities that this machine trusts, for programs that take
   * only one list: Python's, by `SSL_CERT_FILE`.
   */
  readonly trustFile: string | undefined;
  /** Number of sandboxes that ended with an earlier server. */
  readonly lost: number;
  /** Pauses or kills running sandboxes, and stops listening. */
  close(): Promise<void>;
}

/**
 * Serves E2B's HTTP API over a provider's sandboxes. Listens once the provider is ready to make sandboxes, which may
 * take a minute the first time.
 * @throws `invalid_argument`, `unsupported`, and what listening throws
 */
export async function serve(options: ServeOptions): Promise<EmberboxServer> {
  const settings = resolveOptions(options);
  const log = settings.logger ?? pino({ level: "warn" }, pino.destination(2));
  mkdirSync(settings.stateDirectory, { recursive: true, mode: 0o700 });
  const store = openStore(settings.stateDirectory);
  try {
    const tenants =
      settings.tenants.size > 0 ? settings.tenants : new Map([[DEFAULT_TENANT, [store.apiKey]]]);
    const keys = createKeyring(tenants, settings.operatorKey);
    const recorder = settings.audit && new AuditRecorder(settings.audit);
    const provider = recorder ? auditedProvider(settings.provider, recorder) : settings.provider;
    const sandboxes = new Sandboxes({ ...settings, provider }, store, log);
    const { output, lifecycle } = sandboxes.registry;
    const samples = new Samples(sandboxes, log);
    const webhooks = new Webhooks({
      ...{ provider: settings.provider, store, log },
      ceiling: settings.webhooks ?? settings.network ?? true,
    });
    lifecycle.onDelivery = () => webhooks.wake();
    const metrics = createMetrics(() => sandboxes);
    const { lost, paused } = await sandboxes.registry.reconcile();
    metrics.lost(lost);
    if (sandboxes.capabilities.snapshots) await sandboxes.snapshots.adopt();
    log.info({ lost, paused }, "state was read");
    await sandboxes.prepare();

    const own =
      settings.tls === "self-signed"
        ? ownCertificate(
            settings.stateDirectory,
            hostOf(settings.domain ?? OWN_DOMAIN),
            settings.host,
          )
        : undefined;
    const certificate = settings.tls === "self-signed" ? own : settings.tls;
    const proxy = createProxy(sandboxes, keys, {
      ...{ log, samples, codeUser: settings.codeUser },
      followers: new Followers(output),
      audit: recorder && new AgentAudit(recorder),
    });
    const asked =
      recorder === undefined ? (_: IncomingMessage, work: () => void) => work() : inTheNameOf(keys);
    let listener: Listener | undefined;
    let domain = settings.domain ?? "";
    const builds = new Builds(sandboxes, store.builds, log);
    const control = createControl({
      ...{ sandboxes, builds, store, samples, webhooks },
      rows: store.builds,
      archives: new Archives(join(settings.stateDirectory, "archives")),
      keys,
      checkHost: createHostCheck(settings, () => domain),
      log,
      metrics: () => metrics.read(),
      isExposed: !isLoopback(settings.host),
      domain: () => domain,
      serverFactory: (handler) => {
        listener = createListener(
          (request, response) =>
            observe("control", request, response, { log, metrics }, () =>
              asked(request, () => handler(request, response)),
            ),
          {
            ...proxy,
            handle: async (request, response) =>
              observe("sandbox", request, response, { log, metrics }, () =>
                asked(request, () =>
                  background(proxy.handle(request, response), () => response.destroy()),
                ),
              ),
          },
          { certificate, maxConnections: settings.maxConnections },
        );
        return listener.server;
      },
    });
    await control.listen({ host: settings.host, port: settings.port });
    const { port } = control.server.address() as AddressInfo;
    if (domain === "") domain = `${certificate ? OWN_DOMAIN : "localhost"}:${port}`;
    samples.start();
    webhooks.wake();
    const sweeper = setInterval(() => {
      sandboxes.registry
        .sweep()
        .catch((error: unknown) => log.error({ err: error }, "sweeping failed"));
    }, SWEEP_MS).unref();

    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      clearInterval(sweeper);
      await samples.close();
      const ending = Promise.all([builds.close(), sandboxes.close(settings.onShutdown)]);
      await within(settings.shutdownTimeoutMs, ending, () =>
        log.error("shutting down took too long: what still runs is killed"),
      );
      // Requests still in progress belong to sandboxes that are gone.
      listener?.drop();
      await control.close();
      await webhooks.close();
      output.close();
      store.close();
    };
    return {
      url: `${certificate ? "https" : "http"}://${urlHost(settings.host)}:${port}`,
      port,
      domain,
      apiKey: keys.first,
      certificateFile: own?.file,
      trustFile: own?.bundle,
      lost,
      close: () => (closing ??= close()),
      [Symbol.asyncDispose]: () => (closing ??= close()),
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Does what a request asks for in the name of whoever sent it. */
const inTheNameOf =
  (keys: Keyring) =>
  (request: IncomingMessage, work: () => void): void =>
    askedBy(askerOf(request, keys.callerOf(keyOf(request.headers))?.tenant), work);

function hostOf(domain: string): string {
  return domain.split(":", 1)[0]!;
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
