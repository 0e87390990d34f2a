import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { Directory } from "./directory.ts";
import { privateDirectory } from "./private-directory.ts";
import { RESERVED } from "./scan.ts";
import { back, ChangedMeanwhile, forward, type Step, stepSchema } from "./steps.ts";

const schema = z.object({
  version: z.literal(1),
  host: z.string(),
  staging: z.string().regex(new RegExp(`^${RESERVED}[0-9a-f-]{36}$`)),
  /** Absent until everything that is to be put is staged. */
  steps: z.array(stepSchema).optional(),
});
type Journal = z.infer<typeof schema>;

/**
 * What is being written to a folder: first what goes there is put into a directory beside it, in the folder, then the
 * steps are written down, then done. Whoever finds a journal ends what it is about: without steps by removing what was
 * staged, otherwise by doing the steps, or undoing them where the folder has changed.
 */
export class Apply implements Disposable {
  readonly #path: string;
  readonly #journal: Journal;
  readonly root: Directory;
  readonly staging: Directory;

  private constructor(path: string, journal: Journal, root: Directory, staging: Directory) {
    this.#path = path;
    this.#journal = journal;
    this.root = root;
    this.staging = staging;
  }

  /** Begins to write to a folder whose earlier journals are done. */
  static async begin(host: string): Promise<Apply> {
    const path = join(await privateDirectory(host), "journal.json");
    const staging = `${RESERVED}${randomUUID()}`;
    const journal: Journal = { version: 1, host, staging };
    write(path, journal);
    const root = Directory.root(host);
    try {
      root.make(staging, 0o700);
      return new Apply(path, journal, root, root.open(staging));
    } catch (error) {
      root[Symbol.dispose]();
      throw error;
    }
  }

  /** Does the steps: all, or none. @throws what kept one from being done, once those before it are undone */
  commit(steps: readonly Step[]): void {
    this.write(steps);
    doAll(steps, this.root, this.staging);
    fsyncSync(this.root.fd);
  }

  /** From then on the steps are done even if this program is killed, by whoever comes next. */
  write(steps: readonly Step[]): void {
    fsyncSync(this.staging.fd);
    write(this.#path, { ...this.#journal, steps: [...steps] });
  }

  /** What was staged and is not in the folder goes. */
  [Symbol.dispose](): void {
    this.staging[Symbol.dispose]();
    tidy(this.#path, this.#journal, this.root);
    this.root[Symbol.dispose]();
  }
}

/** Ends what was interrupted in a folder. Nobody else may work on it meanwhile. */
export async function recover(host: string): Promise<void> {
  const path = join(await privateDirectory(host), "journal.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const journal = parse(text);
  const { staging: name, steps = [] } = journal;
  if (journal.host !== host) return;
  using root = Directory.root(host);
  try {
    using staging = root.open(name);
    doAll(steps, root, staging);
  } catch (error) {
    const isOver =
      error instanceof ChangedMeanwhile || (error as { code?: string }).code === "ENOENT";
    if (!isOver) throw error;
  }
  tidy(path, journal, root);
}

/** Once it is tidied up, steps could neither be done nor undone: so they are forgotten first. */
function tidy(path: string, { version, host, staging }: Journal, root: Directory): void {
  write(path, { version, host, staging });
  rmSync(root.at(staging), { recursive: true, force: true });
  rmSync(path, { force: true });
}

function parse(text: string): Journal {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EmberboxError("invalid_argument", "The journal of a workspace is damaged", { cause });
  }
}

function doAll(steps: readonly Step[], root: Directory, staging: Directory): void {
  try {
    for (const step of steps) forward(step, root, staging);
  } catch (error) {
    // The one that failed may be half done, and those after it may have been done before an interruption.
    for (const step of steps.toReversed()) attempt(() => back(step, root, staging));
    throw error;
  }
}

/** What cannot be undone must not keep the rest from being undone. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Somebody else has changed what is there; it is theirs.
  }
}

/** The file is there as a whole, or as it was. */
function write(path: string, journal: Journal): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, JSON.stringify(journal), { mode: 0o600, flush: true });
  renameSync(fresh, path);
  const directory = openSync(join(path, ".."), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
