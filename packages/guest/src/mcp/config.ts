import { mcpKindOf, mcpKinds, mcpServers } from "@emberbox/core/mcp";
import { z } from "zod";
import { catalogue } from "./catalogue.ts";

/** Where a server comes from. */
export type Source =
  | { readonly kind: "npm" | "pypi"; readonly spec: string }
  | {
      readonly kind: "github";
      readonly repository: string;
      readonly installCmd: string | undefined;
      readonly runCmd: string;
    }
  | { readonly kind: "command"; readonly command: string; readonly cwd: string | undefined };

/** A server that was asked for. */
export interface ServerPlan {
  readonly name: string;
  readonly source: Source;
  readonly args: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what `--config` says. Its errors are for whoever asked. */
export function readConfig(json: string, environment: Environment): ServerPlan[] {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new Error("the configuration is not JSON", { cause });
  }
  const parsed = mcpServers.safeParse(given);
  if (!parsed.success)
    throw new Error(`Expected the configuration to be ${mcpServers.description}`);
  return Object.entries(parsed.data).map(([name, server]) =>
    filledIn(planOf(name, server!), environment),
  );
}

/** The sources of servers that are known by these names. */
export function knownSources(names: readonly string[]): Source[] {
  return names.map((name) => sourceOf(knownServer(name).source));
}

function planOf(name: string, server: object): ServerPlan {
  switch (mcpKindOf(server)) {
    case "npm": {
      const { npm, args = [], envs = {} } = mcpKinds.npm.parse(server);
      return { name, source: { kind: "npm", spec: npm }, args, envs };
    }
    case "pypi": {
      const { pypi, args = [], envs = {} } = mcpKinds.pypi.parse(server);
      return { name, source: { kind: "pypi", spec: pypi }, args, envs };
    }
    case "command": {
      const { command, cwd, args = [], envs = {} } = mcpKinds.command.parse(server);
      return { name, source: { kind: "command", command, cwd }, args, envs };
    }
    case "runCmd": {
      const { runCmd, installCmd, envs = {} } = mcpKinds.runCmd.parse(server);
      const repository = name.slice("github/".length);
      return { name, source: { kind: "github", repository, installCmd, runCmd }, args: [], envs };
    }
    case undefined: {
      const { source, read } = knownServer(name);
      try {
        return { name, source: sourceOf(source), args: [], envs: {}, ...read(server) };
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        // Only what is wrong where: a setting may be a secret.
        const [issue] = error.issues;
        const where = [name, ...(issue?.path ?? [])].join(".");
        throw new Error(`The settings of the MCP server ${where}: ${issue?.message}`, {
          cause: error,
        });
      }
    }
  }
}

function knownServer(name: string) {
  const server = catalogue.get(name);
  if (server) return server;
  const names = [...catalogue.keys()].join(", ");
  throw new Error(
    `There is no MCP server \`${name}\` here: known are ${names}; others are given with \`npm\`, \`pypi\`, \`command\`, or as \`github/owner/repository\``,
  );
}

const sourceOf = (source: { npm: string } | { pypi: string }): Source =>
  "npm" in source ? { kind: "npm", spec: source.npm } : { kind: "pypi", spec: source.pypi };

/** Values that are `${NAME}` become what the variable holds, such as the placeholder of a secret. */
function filledIn(plan: ServerPlan, environment: Environment): ServerPlan {
  const fill = (value: string): string => {
    const name = /^\$\{([A-Za-z_]\w*)\}$/.exec(value)?.[1];
    if (name === undefined) return value;
    const held = environment[name];
    if (held !== undefined) return held;
    throw new Error(`The MCP server \`${plan.name}\` needs the variable ${name}, which is not set`);
  };
  const envs = Object.entries(plan.envs).map(([name, value]) => [name, fill(value)]);
  return { ...plan, args: plan.args.map(fill), envs: Object.fromEntries(envs) };
}
