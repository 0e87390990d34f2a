import { posix } from "node:path";
import type { Sandbox } from "@emberbox/core";
import {
  type Entry,
  isMount,
  type Manifest,
  Permissions,
  SandboxGitCloneError,
} from "@openai/agents-core/sandbox";
import { shellQuote } from "@openai/agents-core/sandbox/internal";
import { as } from "../files.ts";
import { runAsRoot } from "../root.ts";
import { unsupported } from "../failure.ts";
import { type Limits, workOn } from "./limits.ts";
import { type LocalEntry, listLocal } from "./local-source.ts";

/** The most bytes held back to be sent in one batch. */
const BATCH_BYTES = 32 * 1024 * 1024;
const GIT_TIMEOUT_MS = 600_000;

export type Workspace = Pick<Manifest, "root" | "extraPathGrants">;
type PlacedEntry = readonly [path: string, entry: Entry];

/** Puts files into the workspace, and does what must follow once they are there. */
export class Materializer {
  readonly #sandbox: Sandbox;
  readonly #workspace: Workspace;
  readonly #limits: Limits;
  readonly #runAs: string | undefined;
  #files: { path: string; data: string | Uint8Array }[] = [];
  #bytes = 0;
  #sending: Promise<void> = Promise.resolve();
  readonly #directories = new Set<string>();
  readonly #before: string[] = [];
  /** Files that are programs, which an entry's own modes may change again. */
  readonly #programs: string[] = [];
  readonly #after: string[] = [];

  constructor(sandbox: Sandbox, workspace: Workspace, limits: Limits, runAs?: string) {
    this.#sandbox = sandbox;
    this.#workspace = workspace;
    this.#limits = limits;
    this.#runAs = runAs;
  }

  /** Creates the workspace, its users and groups, and everything in it. */
  async all(manifest: Manifest, wanted: (entry: Entry) => boolean = () => true): Promise<void> {
    const { users, groups, entries } = manifest;
    const { root } = this.#workspace;
    const members = groups.flatMap(({ users = [] }) => users);
    const names = new Set([...users, ...members].map(({ name }) => name));
    for (const name of names) {
      this.#before.push(
        `id -u ${quote(name)} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ${quote(name)}`,
      );
    }
    for (const { name, users = [] } of groups) {
      this.#before.push(`getent group ${quote(name)} >/dev/null || groupadd ${quote(name)}`);
      for (const user of users)
        this.#before.push(`usermod --append --groups ${quote(name)} ${quote(user.name)}`);
    }
    this.#directory(root);
    // Each of them may be whom the agent runs as.
    if (names.size > 0 && root !== "/") this.#after.push(`chmod o+rwx ${quote(root)}`);
    const asked = Object.entries(entries).filter(([, entry]) => wanted(entry));
    await this.#entries(asked.map(([path, entry]) => [join(root, path), entry]));
  }

  /** Creates one entry, with everything in it. */
  entry(path: string, entry: Entry): Promise<void> {
    return this.#entries([[path, entry]]);
  }

  async #entries(entries: readonly PlacedEntry[]): Promise<void> {
    const leaves = entries.flatMap(([path, entry]) => this.#leaves(path, entry));
    await workOn(leaves, this.#limits.manifestEntries, ([path, entry]) => this.#leaf(path, entry));
    await this.#flush();
    const after = [...this.#programs.splice(0), ...this.#after.splice(0)];
    if (after.length > 0) await runAsRoot(this.#sandbox, script(after));
  }

  /** What an entry consists of besides directories, which are noted, as are all modes: the outer ones come first. */
  #leaves(path: string, entry: Entry): PlacedEntry[] {
    // The sandbox has it from its beginning.
    if (isMount(entry)) return [];
    this.#modes(path, entry);
    if (entry.type !== "dir") return [[path, entry]];
    this.#directory(path);
    return Object.entries(entry.children ?? {}).flatMap(([name, child]) =>
      this.#leaves(join(path, name), child),
    );
  }

  async #leaf(path: string, entry: Entry): Promise<void> {
    switch (entry.type) {
      case "file":
        return this.#file(path, entry.content);
      case "local_file":
      case "local_dir":
        return this.#local(path, entry);
      case "git_repo":
        return this.#clone(path, entry);
      default:
        throw unsupported(
          `The sandbox does not have entries of type ${entry.type}.`,
          `manifest.${entry.type}`,
        );
    }
  }

  /** Notes a directory and those above it in the workspace, so that none of them belongs to root. */
  #directory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#directories.add(path);
    const above = posix.dirname(path);
    if (above.startsWith(`${this.#workspace.root.replace(/\/+$/, "")}/`)) this.#directory(above);
    // One that is there keeps its owner: it may be the machine's.
    const make = `install --directory --owner=${quote(this.#owner)} ${quote(path)}`;
    this.#before.push(`test -d ${quote(path)} || ${make}`);
  }

  get #owner(): string {
    return this.#runAs ?? "user";
  }

  async #file(path: string, data: string | Uint8Array): Promise<void> {
    this.#files.push({ path, data });
    this.#bytes += data.length;
    if (this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  async #local(path: string, entry: LocalEntry): Promise<void> {
    const granted = this.#workspace.extraPathGrants.map((grant) => grant.path);
    await workOn(listLocal(entry, granted), this.#limits.localDirFiles, async (item) => {
      const target = join(path, item.path);
      if (item.read === undefined) return this.#directory(target);
      const { data, executable } = await item.read();
      if (executable) this.#programs.push(`chmod a+x ${quote(target)}`);
      await this.#file(target, data);
    });
  }

  /** Clones inside the sandbox with its own git, under its network rules. */
  async #clone(path: string, entry: Extract<Entry, { type: "git_repo" }>): Promise<void> {
    await this.#flush();
    const { host = "github.com", repo, ref, subpath } = entry;
    const url = /^[a-z+]+:\/\//.test(repo) ? repo : `https://${host}/${repo}`;
    const into = subpath === undefined ? quote(path) : '"$clone"';
    const lines = [
      "clone=$(mktemp -d)",
      `git init --quiet ${into} && cd ${into}`,
      `git fetch --quiet --depth 1 -- ${quote(url)} ${quote(ref ?? "HEAD")}`,
      "git checkout --quiet FETCH_HEAD",
      ...(subpath === undefined
        ? []
        : [`mkdir -p ${quote(path)}`, `cp -a ${quote(`./${subpath}`)}/. ${quote(path)}`]),
      'rm -rf "$clone"',
    ];
    const { exitCode, stderr } = await this.#sandbox.commands.run(script(lines), {
      ...as(this.#runAs),
      envs: { GIT_TERMINAL_PROMPT: "0" },
      timeoutMs: GIT_TIMEOUT_MS,
    });
    if (exitCode === 0) return;
    throw new SandboxGitCloneError(`${url} could not be cloned: ${stderr.trim().slice(-1000)}`, {
      repo,
      ref,
    });
  }

  #modes(path: string, { type, permissions, group }: Entry): void {
    if (permissions === undefined && (type === "file" || type === "local_file")) {
      // The framework's default for entries.
      this.#after.push(`chmod 755 ${quote(path)}`);
    }
    if (permissions !== undefined) {
      const mode = new Permissions(permissions).toMode() & 0o7777;
      this.#after.push(`chmod ${mode.toString(8)} ${quote(path)}`);
    }
    if (group !== undefined) this.#after.push(`chgrp -R ${quote(group.name)} ${quote(path)}`);
  }

  /** Sends what is held back, after what is being sent. */
  #flush(): Promise<void> {
    this.#sending = this.#sending.then(() => this.#send());
    return this.#sending;
  }

  async #send(): Promise<void> {
    const before = this.#before.splice(0);
    const files = this.#files;
    this.#files = [];
    this.#bytes = 0;
    if (before.length > 0) await runAsRoot(this.#sandbox, script(before));
    if (files.length > 0) await this.#sandbox.files.write(files, as(this.#runAs));
  }
}

const quote = shellQuote;

function script(lines: readonly string[]): string {
  return `set -e\n${lines.join("\n")}`;
}

function join(above: string, name: string): string {
  return name === "" ? above : `${above.replace(/\/+$/, "")}/${name}`;
}
