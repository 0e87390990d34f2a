import { z } from "zod";
import { Queue } from "../concurrency/queue.ts";
import { EmberboxError } from "../errors.ts";
import { callback, type FieldsOf, parseArgument, parseOptions, signal } from "../options.ts";
import type { Baseline, WorkspaceMode, WorkspaceOptions } from "../workspace-options.ts";
import { applyChanges } from "./apply.ts";
import { type Change, compare, digestOf, shown, type Tree, treeOf } from "./compare.ts";
import { Differ } from "./diff.ts";
import { planDiscard } from "./discard.ts";
import { IgnoreTree } from "./ignore-tree.ts";
import type { Inside } from "./inside.ts";
import { recover } from "./journal.ts";
import { Originals } from "./originals.ts";
import { comparePaths, textOf } from "./paths.ts";
import { alone } from "./private-directory.ts";
import { planRefresh } from "./refresh.ts";
import { refusal } from "./refusals.ts";
import { baselineOf, scan } from "./scan.ts";
import { select } from "./select.ts";
import type {
  LeftOut,
  Workspace,
  WorkspaceApplied,
  WorkspaceApplyOptions,
  WorkspaceCallOptions,
  WorkspaceChanges,
  WorkspaceDiff,
  WorkspaceDiffOptions,
  WorkspaceRefreshed,
} from "./types.ts";
import { unified } from "./unified.ts";

/** What a workspace is made of. */
export interface WorkspaceParts {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  readonly options: Pick<WorkspaceOptions, "ignore" | "gitignore" | "secrets">;
  /** Whether somebody else chose the folder; then it is neither read nor written. */
  readonly isForeign?: boolean | undefined;
  readonly leftOut: readonly LeftOut[];
  /** The ignore rules of the folder, if it was looked at already. */
  readonly ignore?: IgnoreTree | undefined;
  readonly inside: Inside;
  /** What host and sandbox last agreed on, as far as this program does not know better. */
  readonly baseline: () => Promise<Baseline>;
  /** Another signal once the sandbox was taken back to a checkpoint, and with it what was agreed on. */
  readonly present?: (() => AbortSignal | undefined) | undefined;
  readonly save: (synced: Baseline) => Promise<void>;
}

const paths = z.array(z.string()).optional().describe("an array of paths in the workspace");
const callSchema = z.strictObject({ signal } satisfies FieldsOf<WorkspaceCallOptions>);
const diffSchema = z.strictObject({
  signal,
  path: z.string().optional().describe("a path in the workspace"),
  format: z.enum(["unified", "json"]).optional().describe("`unified` or `json`"),
} satisfies FieldsOf<WorkspaceDiffOptions>);
const applySchema = z.strictObject({
  signal,
  paths,
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe("the `digest` of changes that were shown"),
  onConflict: z
    .enum(["refuse", "merge", "overwrite", "skip"])
    .optional()
    .describe("`refuse`, `merge`, `overwrite` or `skip`"),
  maxBytes: z.int().min(0).optional().describe("a whole number of bytes"),
  allowGitInternals: z.boolean().optional().describe("true or false"),
  onProgress: callback<NonNullable<WorkspaceApplyOptions["onProgress"]>>(),
} satisfies FieldsOf<WorkspaceApplyOptions>);

interface Seen {
  readonly synced: Tree;
  readonly tree: Tree;
  readonly changes: readonly Change[];
}

/** A folder that a sandbox works on, and what is known about it here. */
export class FolderWorkspace implements Workspace {
  readonly host: string;
  readonly guest: string;
  readonly mode: WorkspaceMode;
  readonly leftOut: readonly LeftOut[];
  readonly #parts: WorkspaceParts;
  readonly #originals: Originals;
  readonly #queue = new Queue();
  #ignore: IgnoreTree | undefined;
  #synced: Tree | undefined;
  #present: AbortSignal | undefined;

  constructor(parts: WorkspaceParts) {
    this.host = parts.host;
    this.guest = parts.guest;
    this.mode = parts.mode;
    this.leftOut = parts.leftOut;
    this.#parts = parts;
    this.#originals = new Originals(parts.host, parts.inside);
    this.#ignore = parts.ignore;
  }

  async changes(options?: WorkspaceCallOptions): Promise<WorkspaceChanges> {
    const checked = parseOptions(callSchema, options);
    return this.#inTurn(checked.signal, async () => this.#shown(await this.#look(checked.signal)));
  }

  async diff(options?: WorkspaceDiffOptions): Promise<WorkspaceDiff> {
    const { path, format = "unified", signal: until } = parseOptions(diffSchema, options);
    return this.#inTurn(until, async () => {
      const { changes, tree } = await this.#look(until);
      const chosen = path === undefined ? changes : select(changes, [path]);
      const differ = new Differ(this.#parts.inside, this.#originals);
      const files = [];
      for (const change of chosen)
        files.push(
          await differ.diff(change, refusal(change, { host: this.host, tree }, false), until),
        );
      const text = format === "json" ? "" : files.map(unified).join("");
      return { digest: digestOf(chosen), files, text };
    });
  }

  async apply(options?: WorkspaceApplyOptions): Promise<WorkspaceApplied> {
    const checked = parseOptions(applySchema, options);
    return this.#inFolder(checked.signal, async () => {
      const { changes, synced } = await this.#look(checked.signal);
      const { host } = this;
      const { inside } = this.#parts;
      const work = { host, inside, originals: this.#originals, synced, changes };
      const { result, synced: now } = await applyChanges(work, checked);
      await this.#agree(now);
      return result;
    });
  }

  async discard(
    given?: readonly string[],
    options?: WorkspaceCallOptions,
  ): Promise<WorkspaceChanges> {
    const wanted = parseArgument(paths, "paths", given);
    const { signal: until } = parseOptions(callSchema, options);
    return this.#inTurn(until, async () => {
      const { changes } = await this.#look(until);
      const chosen = select(changes, wanted);
      const { removed, puts } = await planDiscard(changes, chosen, this.#originals, until);
      await this.#parts.inside.write(removed, puts, until);
      return this.#shown(await this.#look(until));
    });
  }

  async refresh(options?: WorkspaceCallOptions): Promise<WorkspaceRefreshed> {
    const { signal: until } = parseOptions(callSchema, options);
    return this.#inFolder(until, async () => {
      const { changes, synced } = await this.#look(until);
      const { ignore, baseline, leftOut } = await this.#scan(until);
      const { entries } = baseline;
      const plan = await planRefresh(this.host, entries, synced, changes);
      await this.#parts.inside.write(plan.removed, plan.puts, until);
      this.#ignore = ignore;
      await this.#agree(plan.synced);
      const updated = [...plan.removed, ...plan.puts.map(({ path }) => path)];
      return {
        updated: [...new Set(updated)].toSorted(comparePaths).map(textOf),
        conflicts: plan.conflicts,
        leftOut,
      };
    });
  }

  async #look(until: AbortSignal | undefined): Promise<Seen> {
    const present = this.#parts.present?.();
    if (present !== this.#present) this.#synced = undefined;
    this.#present = present;
    const looking = this.#parts.inside.tree(until);
    looking.catch(() => {});
    this.#synced ??= treeOf((await this.#parts.baseline()).entries);
    this.#ignore ??= (await this.#scan(until)).ignore;
    const [synced, ignore] = [this.#synced, this.#ignore];
    const tree = new Map(await looking);
    // What stays out of the sandbox stays out of the folder.
    for (const [path, { type }] of tree)
      if (!synced.has(path) && ignore.isIgnored(path, type === "directory")) tree.delete(path);
    const original = async (path: string): Promise<string | undefined> =>
      this.#originals.digest(synced.get(path)!);
    return { synced, tree, changes: await compare(synced, tree, original) };
  }

  async #scan(until: AbortSignal | undefined) {
    const { ignore: patterns, gitignore, secrets = false } = this.#parts.options;
    const ignore = new IgnoreTree(patterns, gitignore);
    return { ignore, ...(await scan(this.host, { ignore, secrets, signal: until })) };
  }

  #shown({ changes, tree }: Seen): WorkspaceChanges {
    return {
      changes: changes.map((change) =>
        shown(change, refusal(change, { host: this.host, tree }, false)),
      ),
      digest: digestOf(changes),
    };
  }

  async #agree(synced: Tree): Promise<void> {
    this.#synced = synced;
    const entries = [...synced.values()].toSorted((a, b) => comparePaths(a.path, b.path));
    await this.#parts.save(baselineOf(entries as Baseline["entries"]));
  }

  /** Its calls do not overlap: each is about what there is. */
  #inTurn<Result>(until: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
    if (this.mode !== "review")
      throw new EmberboxError(
        "unsupported",
        `Changes of a workspace are reviewed in the mode \`review\`; this one is \`${this.mode}\``,
        { hint: "Create the sandbox with `workspace: { host, mode: 'review' }`." },
      );
    if (this.#parts.isForeign)
      throw new EmberboxError(
        "unsupported",
        `Somebody else made what this sandbox is made of, and named ${this.host}: that is neither read nor written`,
        { hint: "Take what you need with `files.downloadDir`." },
      );
    return this.#queue.run(work, until);
  }

  /** And not with those of others that work on the same folder. */
  #inFolder<Result>(until: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(until, () =>
      alone(this.host, until, async () => {
        await recover(this.host);
        return work();
      }),
    );
  }
}
