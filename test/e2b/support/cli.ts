import { execFile, type ExecFileException } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export const CLI_VERSION = "2.19.0";

/** E2B's command line cannot be installed here. */
export class NoCli extends Error {}

/** The path of E2B's command line, as its registry has it, installed in a directory. @throws {@link NoCli} */
export async function installCli(directory: string): Promise<string> {
  const named = `@e2b/cli@${CLI_VERSION}`;
  const parameters = ["install", "--prefix", directory, "--no-audit", named];
  try {
    await promisify(execFile)("npm", parameters, { timeout: 120_000 });
  } catch (error) {
    throw new NoCli(`npm cannot install ${named}: ${(error as Error).message}`);
  }
  return join(directory, "node_modules/.bin/e2b");
}

/** Runs a program to its end, and returns what it printed. Some wait for the end of their input. */
export async function runCli(
  program: string,
  parameters: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const env = { ...process.env, ...variables };
  const running = promisify(execFile)(program, parameters, { env, timeout: 200_000 });
  running.child.stdin!.end();
  try {
    return (await running).stdout;
  } catch (error) {
    const { code, signal, stdout } = error as ExecFileException & { stdout: string };
    (error as Error).message += `\nended with ${code ?? signal}, after:\n${stdout}`;
    throw error;
  }
}
