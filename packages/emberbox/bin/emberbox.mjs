#!/usr/bin/env node
// Starts the command line with a new enough Node; in the repository from source, because a build there may be old.
// Plain JavaScript that runs on Node 20, which is what a fresh machine may have.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = "--conditions=@emberbox/source";

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(home, "src", "bin.ts");
const main = existsSync(source) ? source : join(home, "dist", "bin.js");
const flags = main === source ? [SOURCE] : [];
/** Older ones do not know all of the sources' syntax. */
const OLDEST = main === source ? [24, 0] : [22, 19];

if (isNewEnough() && flags.every((flag) => process.execArgv.includes(flag))) {
  await import(main);
} else {
  const node = isNewEnough() ? process.execPath : workspaceNode(home);
  if (node === undefined) {
    process.stderr.write(
      `emberbox: this needs Node ${OLDEST.join(".")} or newer; this is ${process.versions.node}\n`,
    );
    process.exit(1);
  }
  become(node, [...process.execArgv, ...flags, main, ...process.argv.slice(2)]);
}

function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** The Node of the npm package `node`, in this folder's node_modules or one above. */
function workspaceNode(folder) {
  const node = join(folder, "node_modules", "node", "bin", "node");
  if (existsSync(node)) return node;
  return dirname(folder) === folder ? undefined : workspaceNode(dirname(folder));
}

/** Replaces this process where Node can; elsewhere runs a child and exits the way it does. */
function become(program, parameters) {
  if (process.execve) process.execve(program, [program, ...parameters], process.env);
  const child = spawn(program, parameters, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`emberbox: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
