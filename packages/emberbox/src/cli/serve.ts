import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { SandboxProvider } from "@emberbox/core/provider";
import { microvm } from "@emberbox/microvm";
import { inWords, prepare } from "@emberbox/microvm/internal";
import type { EmberboxServer, ServeOptions } from "@emberbox/server";
import { safeJson } from "@emberbox/core/terminal";
import { adviceOnNames, environmentOf } from "./environment.ts";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { aborted, listenForInterrupt } from "./interrupt.ts";
import { collect } from "./lists.ts";
import { readKeys } from "./keys.ts";
import { readQuotas } from "./quotas.ts";
import { parseCount, parsePort, parseSeconds, parseWhole } from "./numbers.ts";

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly apiKey?: readonly string[];
  readonly operatorKey?: string;
  readonly quota?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly maxConnections?: number;
  readonly domain?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsSelfSigned?: true;
  readonly codeUser: "user" | "root";
  readonly networkCeiling?: ServeOptions["network"];
  readonly webhooks?: ServeOptions["webhooks"];
  readonly maxSandboxes?: number;
  readonly memory?: number;
  readonly cpus?: number;
  readonly pool: number;
  readonly onShutdown: "pause" | "kill";
  /** Milliseconds. */
  readonly shutdownTimeout: number;
  readonly state?: string;
  readonly audit?: string;
  readonly logLevel: string;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"];

export function addServe(program: Command, finish: Finish): void {
  program
    .command("serve")
    .summary("serve E2B's API: for the official E2B SDKs, and for other machines")
    .description(
      "Serves E2B's HTTP API over this machine's sandboxes, until it is told to stop (Ctrl-C, SIGTERM).",
    )
    .option(
      "--host <H>",
      "address to listen on; any but this machine's own requires a key",
      "127.0.0.1",
    )
    .option("-p, --port <P>", "port to listen on; 0 picks a free one", parsePort, 3000)
    .option(
      "--api-key <K>",
      "a key to accept, or TENANT=KEY: each tenant sees only its own; may be repeated (also EMBERBOX_API_KEYS, separated by commas)",
      collect,
    )
    .option(
      "--operator-key <K>",
      "a key that sees what all tenants have (also EMBERBOX_OPERATOR_KEY)",
    )
    .option(
      "--allow-host <NAME>",
      "a name that requests may give as Host besides the server's own; may be repeated",
      collect,
    )
    .option(
      "--max-connections <N>",
      "connections at once; one address may have half of them (default: 4096)",
      parseWhole,
    )
    .option("--domain <D>", "suffix of sandboxes' host names, with the port: {port}-{id}.D")
    .option("--tls-cert <FILE>", "serve HTTPS and HTTP/2 with this certificate (PEM)")
    .option("--tls-key <FILE>", "its private key (PEM)")
    .option(
      "--tls-self-signed",
      "serve HTTPS with a certificate that is made for the domain, and kept",
    )
    .addOption(
      new Option("--code-user <USER>", "who runs the code of E2B's clients; in E2B it is root")
        .choices(["user", "root"])
        .default("user"),
    )
    .option(
      "--network-ceiling <LIST>",
      "the most that any sandbox can reach: off, or names, addresses, ranges and `public`, separated by commas (default: public)",
      parseCeiling,
    )
    .option(
      "--webhooks <LIST>",
      "what webhooks can reach, in the same form (default: what --network-ceiling says)",
      parseCeiling,
    )
    .option(
      "--max-sandboxes <N>",
      "sandboxes that may run at once (default: what memory allows)",
      parseWhole,
    )
    .option(
      "--quota <Q>",
      "what a tenant may have at once: TENANT=sandboxes:10,memory:8192,snapshots:20,disk:20480 (MiB), without TENANT= for each; may be repeated",
      collect,
    )
    .option("-m, --memory <MB>", "memory of each sandbox in MiB (default: 1024)", parseWhole)
    .option("--cpus <N>", "processors of each sandbox (default: 1)", parseWhole)
    .option("--pool <N>", "sandboxes kept ready", parseCount, 0)
    .addOption(
      new Option("--on-shutdown <WHAT>", "what happens to running sandboxes when the server ends")
        .choices(["pause", "kill"])
        .default("kill"),
    )
    .addOption(
      new Option("--shutdown-timeout <S>", "how long that may take, in seconds")
        .argParser(parseSeconds)
        .default(30_000, "30"),
    )
    .option(
      "--state <DIR>",
      "directory of the server's own state (default: server in EMBERBOX_HOME)",
    )
    .option(
      "--audit <DIR>",
      "record in this directory what clients ask of sandboxes, and what sandboxes try to reach",
    )
    .addOption(
      new Option("--log-level <L>", "what is logged, as JSON on standard error")
        .choices(LEVELS)
        .default("info"),
    )
    .addHelpText(
      "after",
      `
Without --api-key, a server that listens on this machine only makes a key of its own and keeps it.
OpenTelemetry: load an SDK with NODE_OPTIONS=--import and the usual OTEL_ variables.

Examples:
  $ emberbox serve
  $ emberbox serve --host 0.0.0.0 --api-key "$KEY" --max-sandboxes 20
  $ emberbox serve --api-key red="$RED" --api-key blue="$BLUE" --operator-key "$OPERATOR"
  $ emberbox serve --tls-self-signed`,
    )
    .action(async (flags: ServeFlags) => finish(await run(flags)));
}

async function run(flags: ServeFlags): Promise<number> {
  const options = await readFlags(flags);
  // Only this command pays for loading a web server.
  const { serve } = await import("@emberbox/server");
  const { pino } = await import("pino");
  const logger = pino({ level: flags.logLevel }, { write: writeLog });
  using interrupt = listenForInterrupt();
  // No request waits for minutes, nor begins work of minutes: templates besides the default one are built beforehand.
  await using engine = microvm({
    pool: { size: flags.pool },
    onProgress: say,
    buildImages: false,
  });
  const { signal } = interrupt;
  const provider: SandboxProvider = {
    ...engine,
    // Prepares the image too, if it is missing.
    async prepare({ memoryMB, cpuCount, networkCeiling } = {}) {
      const options = { memoryMB, cpuCount, networkCeiling };
      await prepare({ ...options, onImage: inWords(say), onTemplate: say, signal });
    },
  };
  await using server = await serve({ ...options, provider, logger });
  await printEnvironment(server);
  await aborted(interrupt.signal);
  logger.info({ onShutdown: flags.onShutdown }, "shutting down");
  await server.close();
  // It did what it was asked to do.
  return EXIT.ok;
}

async function readFlags(flags: ServeFlags): Promise<Omit<ServeOptions, "provider">> {
  const { host, port, domain, networkCeiling, maxSandboxes, memory, cpus, onShutdown, state } =
    flags;
  const inEnvironment = (process.env["EMBERBOX_API_KEYS"] ?? "").split(",").filter(Boolean);
  const tls = await readTls(flags);
  return {
    host,
    port,
    onShutdown,
    codeUser: flags.codeUser,
    shutdownTimeoutMs: flags.shutdownTimeout,
    apiKeys: readKeys(flags.apiKey ?? inEnvironment),
    operatorKey: flags.operatorKey ?? (process.env["EMBERBOX_OPERATOR_KEY"] || undefined),
    quotas: readQuotas(flags.quota ?? []),
    allowedHosts: flags.allowHost,
    maxConnections: flags.maxConnections,
    ...(domain !== undefined && { domain }),
    ...(tls && { tls }),
    ...(networkCeiling !== undefined && { network: networkCeiling }),
    ...(flags.webhooks !== undefined && { webhooks: flags.webhooks }),
    ...(maxSandboxes !== undefined && { maxSandboxes }),
    ...(memory !== undefined && { memoryMB: memory }),
    ...(cpus !== undefined && { cpuCount: cpus }),
    ...(state !== undefined && { stateDirectory: state }),
    ...(flags.audit !== undefined && { audit: { directory: flags.audit } }),
  };
}

/** `off`, `public`, or a list of what is allowed, which may include `public`. */
function parseCeiling(text: string): NonNullable<ServeOptions["network"]> {
  if (text === "off") return false;
  const entries = text.split(",").map((entry) => entry.trim());
  const allowOut = entries.filter((entry) => entry !== "public");
  if (allowOut.includes("")) throw new InvalidArgumentError("An entry of the list is empty.");
  if (allowOut.length === 0) return true;
  return entries.includes("public") ? { allowOut } : { allowOut, denyOut: ["0.0.0.0/0"] };
}

async function readTls({
  tlsCert,
  tlsKey,
  tlsSelfSigned,
}: ServeFlags): Promise<ServeOptions["tls"]> {
  if (tlsSelfSigned) return "self-signed";
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UsageError("--tls-cert and --tls-key go together");
  return { cert: await readPem(tlsCert), key: await readPem(tlsKey) };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** What to paste so that the official SDKs use this server. */
async function printEnvironment(server: EmberboxServer): Promise<void> {
  const { url, domain } = server;
  const lines = environmentOf(server).map(([name, value]) => `export ${name}=${value}\n`);
  process.stdout.write(lines.join(""));
  const advice = url.startsWith("https:") ? await adviceOnNames(domain) : undefined;
  if (advice !== undefined) say(advice);
  say(`serving E2B's API on ${url}`);
}

/** The log contains what clients and sandboxes send, and may be read in a terminal. */
function writeLog(line: string): void {
  process.stderr.write(safeJson(line));
}
