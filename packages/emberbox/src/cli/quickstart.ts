import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Command } from "commander";
import { EmberboxError } from "@emberbox/core";
import { prepareShown } from "./build.ts";
import { exampleText } from "./example-files.ts";
import { EXIT, type Finish, say } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { EXAMPLE, leaveExample } from "./leave-example.ts";
import { ensurePackages } from "./packages.ts";

export function addQuickstart(program: Command, finish: Finish): void {
  program
    .command("quickstart")
    .summary("from nothing to a first sandbox: installs, builds, runs an example")
    .description(
      `Installs packages of the distribution that are missing, builds the disk image, warms a machine, runs an example in a sandbox, and leaves the example here as ${EXAMPLE}. What is done already is not done again: it can be interrupted and repeated.`,
    )
    .option("-y, --yes", "install missing packages without asking")
    .addHelpText(
      "after",
      `
Packages are installed by apt-get, with sudo unless this is root. Elsewhere, and where nobody can be asked, the line
that installs them is printed, and the exit code is 1.

Examples:
  $ emberbox quickstart
  $ emberbox quickstart --yes`,
    )
    .action(async ({ yes }: { yes?: true }) => finish(await quickstart(yes ?? false)));
}

async function quickstart(yes: boolean): Promise<number> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  try {
    checkMachine();
    await ensurePackages(yes, signal);
    await prepareShown("default", signal);
    say(`running ${EXAMPLE}`);
    const isDone = await runExample(signal);
    signal.throwIfAborted();
    if (!isDone) {
      say("the example failed, see above");
      return EXIT.failed;
    }
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
  say(leaveExample(process.cwd()));
  return EXIT.ok;
}

/** Elsewhere, what is missing has no package. */
function checkMachine(): void {
  const { platform, arch } = process;
  if (platform === "linux" && ["x64", "arm64"].includes(arch)) return;
  throw new EmberboxError(
    "unsupported",
    `sandboxes need Linux on x86-64 or arm64; this machine is ${platform} on ${arch}`,
    { hint: "Run `emberbox serve` on a machine that can, and use the `e2b` provider here." },
  );
}

/** Runs the example as a program of its own, in this package: it need not be installed where the user is. */
function runExample(signal: AbortSignal): Promise<boolean> {
  const here = dirname(createRequire(import.meta.url).resolve("emberbox/package.json"));
  const child = spawn(process.execPath, [...process.execArgv, "--input-type=module", "-"], {
    cwd: here,
    env: { ...process.env, EMBERBOX_PROVIDER: "microvm" },
    stdio: ["pipe", "inherit", "inherit"],
    signal,
  });
  child.stdin.on("error", () => {}).end(exampleText(EXAMPLE));
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve(code === 0));
  });
}
