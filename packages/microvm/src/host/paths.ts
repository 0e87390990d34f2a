import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where everything of ours lives: `EMBERBOX_HOME`, else `$XDG_CACHE_HOME/emberbox`, else `~/.cache/emberbox`.
 * `images` and `templates` are caches and may be deleted; `run` holds what live sandboxes use. `state` is data:
 * without `EMBERBOX_HOME` it is in `$XDG_DATA_HOME/emberbox`, else `~/.local/share/emberbox`.
 */
export interface Paths {
  readonly home: string;
  readonly images: string;
  readonly templates: string;
  readonly run: string;
  /** Paused sandboxes and snapshots. */
  readonly state: string;
}

export function paths(environment: NodeJS.ProcessEnv = process.env): Paths {
  const cache = environment["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const data = environment["XDG_DATA_HOME"] || join(homedir(), ".local", "share");
  const home = resolve(environment["EMBERBOX_HOME"] || join(cache, "emberbox"));
  return {
    home,
    images: join(home, "images"),
    templates: join(home, "templates"),
    run: join(home, "run"),
    state: environment["EMBERBOX_HOME"] ? join(home, "state") : resolve(data, "emberbox"),
  };
}
