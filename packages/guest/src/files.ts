import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file that goes into the machine's `/run/emberbox`. */
export interface AgentFile {
  /** Path below `/run/emberbox`. */
  readonly target: string;
  /** The file's bytes. */
  readonly content: Buffer;
  readonly executable: boolean;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * The agent's files: the machine's init script, the program that prepares its network, the Python kernel, the bundle,
 * and native code for the machine's architecture.
 */
export async function agentFiles(architecture: "arm64" | "x64"): Promise<AgentFile[]> {
  const files: AgentFile[] = [];
  for (const name of ["init", "egress.py", "wire.json"]) files.push(await read(name, name));
  for (const name of await namesIn("kernel", /\.py$/))
    files.push(await read(join("kernel", name), join("kernel", name)));
  files.push(await read(join("dist", "mime-types.json"), join("kernel", "mime-types.json")));
  for (const name of await namesIn("dist", /\.mjs$/))
    files.push(await read(join("dist", name), name));
  const native = join("dist", architecture);
  for (const name of await namesIn(native, /\.node$/))
    files.push(await read(join(native, name), name));
  return files;
}

/** The program that stands before a sandbox's MCP servers. It is no file of the agent's: few sandboxes need it. */
export async function mcpGateway(): Promise<Buffer> {
  return (await read(join("dist", "mcp", "mcp-gateway.cjs"), "mcp-gateway")).content;
}

async function namesIn(directory: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(join(root, directory))).filter((name) => pattern.test(name)).toSorted();
}

async function read(source: string, target: string): Promise<AgentFile> {
  const content = await readFile(join(root, source)).catch((error: unknown) => {
    throw new Error(`${source} of the guest is not there; \`node --run build\` makes it`, {
      cause: error,
    });
  });
  return { target, content, executable: target === "init" };
}
