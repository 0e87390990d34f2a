import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { GuestDefaults } from "@emberbox/wire";
import type { AgentContext } from "./context.ts";

/** For an agent that begins anew because the machine was booted from its disk. */
const DIRECTORY = "/etc/emberbox";
const FILE = `${DIRECTORY}/defaults.json`;

/** Sets who runs commands, and where, and keeps it on the disk. */
export function keepDefaults(defaults: GuestDefaults, context: AgentContext): void {
  context.defaults = defaults;
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(FILE, JSON.stringify(defaults));
}

/** Sets what was kept on the disk, if anything was. */
export function readDefaults(context: AgentContext): void {
  try {
    context.defaults = JSON.parse(readFileSync(FILE, "utf8")) as GuestDefaults;
  } catch {
    // There are none, or root has made something else of them.
  }
}
