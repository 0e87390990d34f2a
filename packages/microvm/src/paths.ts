import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where everything of ours lives: `EMBERBOX_HOME`, else `$XDG_CACHE_HOME/emberbox`, else `~/.cache/emberbox`.
 * `images` and `templates` are caches and may be deleted; `run` holds what live sandboxes use.
 */
export interface Paths {
  readonly home: string;
  readonly images: string;
  readonly templates: string;
  readonly run: string;
}

export function paths(environment: NodeJS.ProcessEnv = process.env): Paths {
  const cache = environment["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const home = resolve(environment["EMBERBOX_HOME"] || join(cache, "emberbox"));
  return {
    home,
    images: join(home, "images"),
    templates: join(home, "templates"),
    run: join(home, "run"),
  };
}
