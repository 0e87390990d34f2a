import { createHash } from "node:crypto";
import type { Sandbox } from "@emberbox/core";
import type { TemplateInfo } from "@emberbox/core/provider";
import { isTemplateName, templateInfos } from "../image/index.ts";

/** E2B's name for the template that has the gateway to MCP servers. Here it is the default one with that program. */
const MCP_TEMPLATE = "mcp-gateway";
const MACHINE = "default";
const PROGRAM = "/usr/local/bin/mcp-gateway";

/** Templates that this engine has, and that nobody else's may be called like. */
export const engineTemplates: readonly TemplateInfo[] = [
  ...templateInfos,
  { ...templateInfos.find(({ name }) => name === MACHINE)!, name: MCP_TEMPLATE },
];
export const isEngineTemplate = (name: string): boolean =>
  isTemplateName(name) || isMcpTemplate(name);
export const isMcpTemplate = (name: string | undefined): boolean => name === MCP_TEMPLATE;

/** The template whose machine it is. */
export const machineTemplate = <Name extends string | undefined>(name: Name): Name | string =>
  isMcpTemplate(name) ? MACHINE : name;

// Only when it is wanted: programs may have this package in a bundle, without the guest's files.
const program = async (): Promise<Uint8Array> => (await import("@emberbox/guest")).mcpGateway();

/** Changes with the program, as do templates that have it. */
export async function mcpGatewayKey(): Promise<string> {
  return createHash("sha256")
    .update(await program())
    .digest("hex");
}

/** Puts the gateway's program into a sandbox. Whoever wants it to run starts it. */
export async function putMcpGateway(
  { files, commands }: Sandbox,
  signal: AbortSignal | undefined,
): Promise<void> {
  const asRoot = { user: "root", signal };
  await files.write(PROGRAM, await program(), asRoot);
  await commands.run(`chmod 755 ${PROGRAM}`, asRoot);
}
