import { spawn } from "node:child_process";
import { EmberboxError } from "@emberbox/core";
import { type MissingPackages, missingPackages, proxySettings } from "@emberbox/microvm/internal";
import { confirm } from "./confirm.ts";
import { say } from "./failure.ts";

/**
 * Sees to it that the distribution's packages are there: asks once, or with `yes` not at all, and installs what is
 * missing. @throws `tool_missing`, with the line that installs it by hand
 */
export async function ensurePackages(yes: boolean, signal: AbortSignal): Promise<void> {
  const missing = await missingPackages();
  if (missing === undefined) return;
  const canAsk = process.stdin.isTTY && process.stderr.isTTY;
  // Only apt has been tried: elsewhere the user runs the line.
  if (missing.manager !== "apt" || !(yes || canAsk)) throw notInstalled(missing);
  say(`these packages are missing: ${missing.names.join(", ")}\n${missing.line}`);
  if (!yes && !(await confirm("Install them now?", true, signal))) throw notInstalled(missing);
  if (await succeeds(["true"], signal)) await install(missing.names, signal);
  const still = await missingPackages();
  if (still !== undefined) throw notInstalled(still);
}

function notInstalled({ manager, names, line }: MissingPackages): EmberboxError {
  const then =
    manager === undefined
      ? "Install what has the same programs here, then run this again. On Debian it is:"
      : "Install them, then run this again:";
  return new EmberboxError("tool_missing", `these packages are missing: ${names.join(", ")}`, {
    hint: `${then}\n\n  ${line}\n`,
    details: { packages: names },
  });
}

async function install(names: readonly string[], signal: AbortSignal): Promise<void> {
  const apt = ["apt-get", "--yes", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];
  const installing = [...apt, "install", "--no-install-recommends", ...names];
  if (await succeeds(installing, signal)) return;
  // The lists may be missing or old, or an earlier installation interrupted: both can be repaired.
  say("trying again, with new lists of packages");
  await succeeds(["dpkg", "--configure", "-a"], signal);
  await succeeds([...apt, "update"], signal);
  await succeeds(installing, signal);
}

/** Runs a command as root; its output goes to standard error, because standard output is the example's. */
function succeeds(words: readonly string[], signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  // sudo passes nothing on by itself.
  const proxies = Object.entries(proxySettings()).map(([name, value]) => `${name}=${value}`);
  const settings = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", ...proxies];
  const quiet = ["env", ...settings, ...words];
  // Without a terminal nobody can type a password.
  const sudo = process.stdin.isTTY ? ["sudo"] : ["sudo", "-n"];
  const [program, ...parameters] = process.getuid?.() === 0 ? quiet : [...sudo, ...quiet];
  const child = spawn(program!, parameters, { stdio: ["inherit", process.stderr, "inherit"] });
  return new Promise((resolve, reject) => {
    child
      .on("error", ({ message }) => say(`${program} cannot be started: ${message}`))
      .on("close", (code) => {
        // On a terminal Ctrl-C reached the child as well; a package manager is not to be killed in the middle.
        if (signal.aborted) reject(signal.reason);
        else resolve(code === 0);
      });
  });
}
