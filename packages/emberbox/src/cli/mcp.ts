import type { Command } from "commander";
import { type SandboxProvider, templatesOf } from "@emberbox/core/provider";
import type { ToolName } from "@emberbox/core/tools";
import type { McpHttpOptions, McpOptions } from "@emberbox/mcp";
import { microvm } from "@emberbox/microvm";
import { inWords, prepare } from "@emberbox/microvm/internal";
import { EXIT, type Finish, reportFailure, say, UsageError } from "./failure.ts";
import { aborted, listenForInterrupt } from "./interrupt.ts";
import { collect, parseWords } from "./lists.ts";
import { parseCount, parsePort, parseSeconds, parseWhole } from "./numbers.ts";
import {
  addWorkspaceFlags,
  refuseWithoutWorkspace,
  type WorkspaceFlags,
  workspaceOf,
} from "./workspace/flags.ts";
import { keepingChanges } from "./workspace/keeping.ts";

interface McpFlags extends WorkspaceFlags {
  readonly workspaceApply?: true;
  readonly http?: true;
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly tools?: readonly string[];
  readonly prefix?: string;
  readonly structured?: true;
  /** Milliseconds. */
  readonly timeout?: number;
  /** Milliseconds. */
  readonly idleTimeout?: number;
  readonly maxSandboxes: number;
  readonly memory?: number;
  readonly template?: string;
  readonly pool: number;
}

export function addMcp(program: Command, finish: Finish): void {
  const command = program
    .command("mcp")
    .summary("serve tools that run code in a sandbox to MCP clients: editors, assistants, agents")
    .description(
      "Serves tools that run code in a sandbox over the Model Context Protocol: to the program that started this one " +
        "(stdio), or with --http to any on this machine. Each session has a sandbox of its own.",
    )
    .option("--http", "listen for streamable HTTP, instead of serving standard input and output")
    .option(
      "--host <H>",
      "address to listen on; any but this machine's own requires a token (default: 127.0.0.1)",
    )
    .option("-p, --port <P>", "port to listen on; 0 picks a free one (default: 3100)", parsePort)
    .option("--token <T>", "what clients must send as bearer token (also EMBERBOX_MCP_TOKEN)")
    .option(
      "--allow-host <NAME>",
      "a name that requests may give as Host; may be repeated",
      collect,
    )
    .option("--allow-origin <NAME>", "a host whose web pages may use it; may be repeated", collect)
    .option("--tools <NAMES>", "these tools only, separated by commas", parseWords)
    .option("--prefix <P>", "put before the name of every tool, such as sandbox_")
    .option("--structured", "send results as structured content, too")
    .option(
      "-t, --timeout <S>",
      "how long a call runs unless it sets its own limit, in seconds (default: 60)",
      parseSeconds,
    )
    .option(
      "--idle-timeout <S>",
      "how long a sandbox waits for its next call, in seconds; 0 means for ever (default: 900)",
      parseSeconds,
    )
    .option("--max-sandboxes <N>", "sandboxes that may run at once", parseWhole, 8)
    .option("-m, --memory <MB>", "memory of each sandbox in MiB (default: 1024)", parseWhole)
    .option("--template <NAME>", "template of the sandboxes (default: default)")
    .option("--pool <N>", "sandboxes kept ready", parseCount, 0);
  addWorkspaceFlags(command)
    .option(
      "--workspace-apply",
      "offer a tool that applies changes to the folder; your client should ask you before each call",
    )
    .addHelpText(
      "after",
      `
With --workspace, each session has a copy of the folder. A sandbox that changed it is kept, paused, when its session ends: emberbox apply ID applies the changes.

Examples:
  $ claude mcp add emberbox -- npx emberbox mcp
  $ emberbox mcp --tools run_code,read_file --memory 2048
  $ emberbox mcp --workspace .
  $ EMBERBOX_MCP_TOKEN=$(openssl rand -hex 32) emberbox mcp --http --host 0.0.0.0`,
    )
    .action(async (flags: McpFlags) => finish(await run(flags)));
}

async function run(flags: McpFlags): Promise<number> {
  if (flags.http !== true) refuseHttpFlags(flags);
  const workspace = workspaceOf(flags);
  if (workspace === undefined) refuseWithoutWorkspace({ "workspace-apply": flags.workspaceApply });
  using interrupt = listenForInterrupt();
  await using provider = microvm({ pool: { size: flags.pool }, onProgress: say });
  const { template, memory } = flags;
  const source = {
    ...(workspace === undefined ? { provider } : { provider: keepingChanges(provider), workspace }),
    ...(template !== undefined && { template }),
    ...(memory !== undefined && { memoryMB: memory }),
  };
  // Only this command pays for loading the protocol.
  const { serveHttp, serveStdio } = await import("@emberbox/mcp");
  if (flags.http === true) {
    await using server = await serveHttp(source, httpOptions(flags));
    await using _warm = warm(provider, template);
    say(`serving MCP on ${server.url}`);
    await aborted(interrupt.signal);
  } else {
    await using server = serveStdio(source, toolOptions(flags));
    await using _warm = warm(provider, template);
    await Promise.race([server.closed, aborted(interrupt.signal)]);
  }
  // It did what it was asked to do.
  return EXIT.ok;
}

/** Makes the template while the client is connecting: clients do not wait long for a server to start. */
function warm(provider: SandboxProvider, template: string = "default"): AsyncDisposable {
  const stop = new AbortController();
  const ready = async (): Promise<void> => {
    if (!templatesOf(provider).some(({ name }) => name === template)) return;
    await prepare({
      template,
      onImage: inWords(say),
      onTemplate: say,
      signal: stop.signal,
    });
  };
  const done = ready().catch((error: unknown) => {
    if (!stop.signal.aborted) reportFailure(error);
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

function toolOptions(flags: McpFlags): McpOptions {
  return {
    prefix: flags.prefix,
    structuredContent: flags.structured,
    applyChanges: flags.workspaceApply,
    ...(flags.workspace !== undefined && { onIdle: "pause" }),
    ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }),
    idleTimeoutMs: flags.idleTimeout,
    maxSandboxes: flags.maxSandboxes,
    // Invalid names are reported there.
    include: flags.tools as readonly ToolName[] | undefined,
    onError: reportFailure,
  };
}

function httpOptions(flags: McpFlags): McpHttpOptions {
  return {
    ...toolOptions(flags),
    host: flags.host,
    port: flags.port,
    token: flags.token ?? (process.env["EMBERBOX_MCP_TOKEN"] || undefined),
    allowedHosts: flags.allowHost,
    allowedOrigins: flags.allowOrigin,
  };
}

function refuseHttpFlags({ host, port, token, allowHost, allowOrigin }: McpFlags): void {
  const given = { host, port, token, "allow-host": allowHost, "allow-origin": allowOrigin };
  const found = Object.entries(given).find(([, value]) => value !== undefined);
  if (found !== undefined) {
    throw new UsageError(
      `--${found[0]} is of no use without --http`,
      "Add --http, or leave it out.",
    );
  }
}
