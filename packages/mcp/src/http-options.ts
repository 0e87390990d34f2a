import { EmberboxError } from "@emberbox/core";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import type { ToolOptions } from "@emberbox/core/tools";
import { z } from "zod";
import { answerFields, type McpOptions } from "./server.ts";

/** Where an MCP server listens, and whom it answers. */
export interface McpHttpOptions extends McpOptions {
  /** @default "127.0.0.1" */
  readonly host?: string | undefined;
  /** 0 takes any free port. @default 3100 */
  readonly port?: number | undefined;
  /**
   * The token that clients send as `Authorization: Bearer …`. Required unless only this machine can reach the server.
   */
  readonly token?: string | undefined;
  /**
   * Names, without ports, that requests may use as `Host`.
   * @default this machine's names; any when others can reach it
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Names, without ports, of the sites whose pages may use it.
   * @default this machine's names; none when others can reach it
   */
  readonly allowedOrigins?: readonly string[] | undefined;
  /**
   * The most MCP sessions at a time. At the limit, a session that did no work is ended, or no new one begins.
   * @default 1000
   */
  readonly maxSessions?: number | undefined;
}

const names = z
  .array(z.string().regex(/^[^\s/]+$/))
  .optional()
  .describe("a list of host names without ports");

const schema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("a host name or address"),
  port: z.int().min(0).max(65_535).default(3100).describe("a port from 0 to 65535"),
  token: z
    .string()
    .regex(/^[\x21-\x7e]{8,500}$/)
    .optional()
    .describe("8 to 500 printable characters without spaces")
    .meta({ secret: true }),
  allowedHosts: names,
  allowedOrigins: names,
  maxSessions: z.int().min(1).default(1000).describe("a positive integer"),
  ...answerFields,
} satisfies FieldsOf<Omit<McpHttpOptions, keyof ToolOptions>>);

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];

export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  /** `undefined` when any host is allowed. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly allowedOrigins: readonly string[];
  readonly maxSessions: number;
  readonly structuredContent: boolean | undefined;
  readonly applyChanges: boolean | undefined;
  readonly toolOptions: ToolOptions;
}

/** @throws `invalid_argument`, including when others could reach the server without a token */
export function resolveHttpOptions(options: McpHttpOptions): HttpSettings {
  const {
    host,
    port,
    token,
    allowedHosts,
    allowedOrigins,
    maxSessions,
    structuredContent,
    applyChanges,
    ...toolOptions
  } = options;
  const given = {
    ...{ host, port, token, allowedHosts, allowedOrigins, maxSessions },
    ...{ structuredContent, applyChanges },
  };
  const settings = parseOptions(schema, given);
  const local = isLoopback(settings.host);
  if (settings.token === undefined && !local) {
    throw new EmberboxError(
      "invalid_argument",
      `Others can reach ${settings.host}: the server needs a token there`,
      {
        hint: "Give it one, such as the output of `openssl rand -hex 32`, or listen on 127.0.0.1.",
      },
    );
  }
  return {
    ...settings,
    token: settings.token,
    structuredContent: settings.structuredContent,
    applyChanges: settings.applyChanges,
    // When others can reach the server, the token keeps foreign pages out, and a machine has many names.
    allowedHosts:
      settings.allowedHosts ?? (local ? [...LOCAL, hostName(settings.host)] : undefined),
    allowedOrigins: settings.allowedOrigins ?? (local ? LOCAL : []),
    toolOptions,
  };
}

/** The host as it is written in a URL. */
export function hostName(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
