import type { Sandbox } from "@emberbox/core";
import {
  type Entry,
  type Manifest,
  Permissions,
  SandboxGitCloneError,
} from "@openai/agents-core/sandbox";
import { shellQuote } from "@openai/agents-core/sandbox/internal";
import { as } from "../files.ts";
import { runAsRoot } from "../root.ts";
import { unsupported } from "../failure.ts";
import { readLocal } from "./local-source.ts";

/** The most bytes held back to be sent in one batch. */
const BATCH_BYTES = 32 * 1024 * 1024;
const GIT_TIMEOUT_MS = 600_000;

export type Workspace = Pick<Manifest, "root" | "extraPathGrants">;

/** Puts files into the workspace, and does what must follow once they are there. */
export class Materializer {
  readonly #sandbox: Sandbox;
  readonly #workspace: Workspace;
  readonly #runAs: string | undefined;
  #files: { path: string; data: string | Uint8Array }[] = [];
  #bytes = 0;
  readonly #before: string[] = [];
  readonly #after: string[] = [];

  constructor(sandbox: Sandbox, workspace: Workspace, runAs?: string) {
    this.#sandbox = sandbox;
    this.#workspace = workspace;
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
    for (const [path, entry] of Object.entries(entries)) {
      if (wanted(entry)) await this.entry(join(root, path), entry);
    }
    await this.finish();
  }

  async entry(path: string, entry: Entry): Promise<void> {
    switch (entry.type) {
      case "dir":
        this.#directory(path);
        for (const [name, child] of Object.entries(entry.children ?? {}))
          await this.entry(join(path, name), child);
        break;
      case "file":
        await this.#file(path, entry.content);
        break;
      case "local_file":
      case "local_dir":
        await this.#local(path, entry);
        break;
      case "git_repo":
        await this.#clone(path, entry);
        break;
      default:
        throw unsupported(
          `The sandbox does not have entries of type ${entry.type}.`,
          `manifest.${entry.type}`,
        );
    }
    this.#modes(path, entry);
  }

  /** Sends what is still held back, and does what is left to do. */
  async finish(): Promise<void> {
    await this.#flush();
    if (this.#after.length > 0) await runAsRoot(this.#sandbox, script(this.#after));
  }

  #directory(path: string): void {
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

  async #local(path: string, entry: Entry & { readonly src: string }): Promise<void> {
    if (entry.type === "local_dir") this.#directory(path);
    const granted = this.#workspace.extraPathGrants.map((grant) => grant.path);
    for await (const file of readLocal(entry.src, granted)) {
      const target = join(path, file.path);
      await this.#file(target, file.data);
      if (file.executable) this.#after.push(`chmod a+x ${quote(target)}`);
    }
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

  async #flush(): Promise<void> {
    const before = this.#before.splice(0);
    if (before.length > 0) await runAsRoot(this.#sandbox, script(before));
    if (this.#files.length > 0) await this.#sandbox.files.write(this.#files, as(this.#runAs));
    this.#files = [];
    this.#bytes = 0;
  }
}

const quote = shellQuote;

function script(lines: readonly string[]): string {
  return `set -e\n${lines.join("\n")}`;
}

function join(above: string, name: string): string {
  return name === "" ? above : `${above.replace(/\/+$/, "")}/${name}`;
}
