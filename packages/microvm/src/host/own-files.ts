import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EmberboxError } from "@emberbox/core";

/**
 * The path of a file beside the module whose `import.meta.url` this is. Not `new URL(path, import.meta.url)`: bundlers
 * take that for a file of a web page, and put another in its place.
 */
export function besideModule(url: string, path: string): string {
  return join(dirname(fileURLToPath(url)), path);
}

/**
 * Makes sure that the files which the engine reads when it runs, the guest's among them, are where it looks for them.
 * @throws `provider_missing` in a program that was bundled into a file elsewhere
 */
export function requireOwnFiles(): void {
  // Bundled as CommonJS, modules have no URL.
  const url = import.meta.url as string | undefined;
  if (url !== undefined && existsSync(besideModule(url, "packages.json"))) return;
  throw new EmberboxError(
    "provider_missing",
    "`@emberbox/microvm` was bundled into the program, without the files that go into sandboxes",
    { hint: "Tell the bundler that `emberbox` and `@emberbox/*` are external, and install them." },
  );
}
