import { z } from "zod";
import { parseArgument } from "./options.ts";
import type { SandboxConnection, SandboxProvider } from "./provider.ts";
import { unsupported } from "./state.ts";

const portNumber = z.int().min(1).max(65_535).describe("a port, from 1 to 65535");

/** @throws `invalid_argument` */
export const parsePort = (port: unknown): number => parseArgument(portNumber, "port", port);

export async function portUrl(
  connection: SandboxConnection,
  provider: SandboxProvider,
  port: number,
): Promise<string> {
  parsePort(port);
  const gone = connection.gone();
  if (gone) throw gone;
  if (connection.url === undefined) throw unsupported(provider, "open a sandbox's ports");
  return connection.url(port);
}
