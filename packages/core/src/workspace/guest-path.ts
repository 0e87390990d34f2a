import { realpathSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { WorkspaceOptions } from "../workspace-options.ts";

/** Where a folder is in the sandbox unless something else is asked for. */
export const usualGuestPath = (host: string): string => `/home/user/${safeName(basename(host))}`;

/** Where a folder will be in the sandbox, before there is one. */
export function guestPathOf({ host, guest }: WorkspaceOptions): string {
  if (guest !== undefined) return guest;
  try {
    return usualGuestPath(realpathSync(host));
  } catch {
    // Creating the sandbox says what is wrong with it.
    return usualGuestPath(resolve(host));
  }
}

/** A name that no shell takes for anything else. */
const safeName = (name: string): string =>
  name.replaceAll(/[^\w.-]/g, "-").replace(/^[.-]+/, "") || "workspace";
