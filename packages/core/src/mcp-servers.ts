import { z } from "zod";
import { envs } from "./options.ts";

/** An MCP server that npm has, installed in the sandbox. */
export interface NpmMcpServer {
  /** A package, perhaps with a version: `@scope/name@1.2.3`. */
  readonly npm: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}

/** An MCP server that PyPI has, installed in the sandbox. */
export interface PypiMcpServer {
  /** A package, perhaps with a version: `name==1.2.3`. */
  readonly pypi: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}

/** An MCP server that is cloned from GitHub; its name is `github/owner/repository`. */
export interface GithubMcpServer {
  /** The command line that serves on standard input and output; it runs in the clone. */
  readonly runCmd: string;
  /** The command line that runs there first, once. */
  readonly installCmd?: string | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
}

/** An MCP server that the sandbox has already. */
export interface CommandMcpServer {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** @default "/home/user" */
  readonly cwd?: string | undefined;
}

/**
 * MCP servers, by name. Those that are listed here are known by that name, as in E2B; a provider may know others. Any
 * value of a server's settings or `envs` that is `${NAME}` as a whole stands for that variable of the sandbox, such as
 * the placeholder of a secret.
 */
export interface McpServers {
  readonly brave?: { readonly apiKey: string } | undefined;
  readonly everything?: Readonly<Record<string, never>> | undefined;
  /** From PyPI. */
  readonly fetch?: Readonly<Record<string, never>> | undefined;
  readonly filesystem?: { readonly paths: readonly string[] } | undefined;
  readonly github?: { readonly personalAccessToken: string } | undefined;
  readonly gitlab?: { readonly personalAccessToken: string; readonly url: string } | undefined;
  readonly googleMaps?: { readonly googleMapsApiKey: string } | undefined;
  readonly memory?: Readonly<Record<string, never>> | undefined;
  readonly sequentialthinking?: Readonly<Record<string, never>> | undefined;
  /** From PyPI. */
  readonly time?: Readonly<Record<string, never>> | undefined;
  readonly [name: string]:
    | NpmMcpServer
    | PypiMcpServer
    | GithubMcpServer
    | CommandMcpServer
    | Readonly<Record<string, unknown>>
    | undefined;
}

/** What a command line may hold. */
const MAX_TEXT = 65_536;
const MAX_SERVERS = 32;
const githubName = /^github\/[\w-][\w.-]{0,99}\/[\w-][\w.-]{0,99}$/;
const line = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[^\0]*$/);
const args = z.array(line.min(0)).max(256).optional();

const npm = z.strictObject({
  npm: z
    .string()
    .max(300)
    .regex(/^(@[\w.-]+\/)?[a-z0-9][\w.-]*(@[\w.^~<>=*-]+)?$/i),
  args,
  envs,
});
const pypi = z.strictObject({
  pypi: z
    .string()
    .max(300)
    .regex(/^[a-z0-9][\w.-]*(\[[\w,.-]+\])?((==|>=|~=)[\w.*+!-]+)?$/i),
  args,
  envs,
});
const command = z.strictObject({ command: line, args, envs, cwd: line.optional() });
const github = z.strictObject({ runCmd: line, installCmd: line.optional(), envs });

/** The ways to say what a server is, beside the names that are known; each by the field that tells it. */
export const mcpKinds: {
  readonly npm: z.ZodType<NpmMcpServer>;
  readonly pypi: z.ZodType<PypiMcpServer>;
  readonly command: z.ZodType<CommandMcpServer>;
  readonly runCmd: z.ZodType<GithubMcpServer>;
} = { npm, pypi, command, runCmd: github };

type Kind = keyof typeof mcpKinds;
const kinds = Object.keys(mcpKinds) as Kind[];

/** Which of the ways a server is given in; `undefined` for one that is known by its name. */
export function mcpKindOf(server: object): Kind | undefined {
  return kinds.find((kind) => Object.hasOwn(server, kind));
}

/** Whether it may be passed on; only who starts the servers knows the names. */
function isServer(name: string, server: unknown): boolean {
  if (typeof server !== "object" || server === null || Array.isArray(server)) return false;
  const kind = mcpKindOf(server);
  if (githubName.test(name) !== (kind === "runCmd")) return false;
  return kind === undefined || mcpKinds[kind].safeParse(server).success;
}

/** The schema of `mcp`. */
export const mcpServers: z.ZodType<McpServers> = z
  .custom<McpServers>(
    (servers) =>
      typeof servers === "object" &&
      servers !== null &&
      !Array.isArray(servers) &&
      Object.keys(servers).length <= MAX_SERVERS &&
      Object.entries(servers).every(
        ([name, server]) =>
          (githubName.test(name) || /^[\w.-]{1,64}$/.test(name)) &&
          (server === undefined || isServer(name, server)),
      ) &&
      JSON.stringify(servers).length <= MAX_TEXT,
  )
  .describe(
    "an object of at most 32 MCP servers by name: settings of known ones, `{ npm, args, envs }`, `{ pypi, args, envs }`, `{ command, args, envs, cwd }`, or for `github/owner/repository` `{ runCmd, installCmd, envs }`; at most 64 KiB",
  )
  .meta({ secret: true });
