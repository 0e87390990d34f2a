import { usualGuestPath } from "./guest-path.ts";
import { stat, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { EmberboxError } from "../errors.ts";
import type { CreateOptions, SandboxConnection, SandboxProvider } from "../provider.ts";
import type {
  Baseline,
  WorkspaceInfo,
  WorkspaceMode,
  WorkspaceMount,
  WorkspaceOptions,
} from "../workspace-options.ts";
import { quote } from "../shell-quote.ts";
import { unsupported } from "../state.ts";
import { treeOf } from "./compare.ts";
import { IgnoreTree } from "./ignore-tree.ts";
import { InsideAgent } from "./inside-agent.ts";
import { InsideCommands } from "./inside-commands.ts";
import { recover } from "./journal.ts";
import { staysOut } from "./live.ts";
import { alone } from "./private-directory.ts";
import { scan, type Scanned } from "./scan.ts";
import { sendFolder } from "./send.ts";
import type { Workspace } from "./types.ts";
import { FolderWorkspace } from "./workspace.ts";
import { type Reach, run, Writer } from "./writer.ts";

interface Asked {
  readonly workspace?: WorkspaceOptions | undefined;
  readonly workspaces?: readonly WorkspaceOptions[] | undefined;
}

/** What a sandbox is created with, and what makes workspaces of it once it is there. */
interface Prepared {
  readonly mounts: Pick<CreateOptions, "workspaces">;
  readonly open: (reach: OpenSandbox, connection: SandboxConnection) => Promise<Workspace[]>;
}

interface OpenSandbox extends Reach {
  readonly sandboxId: string;
}

interface Folder extends Scanned {
  readonly mount: WorkspaceMount;
  readonly ignore: IgnoreTree;
}

/** Looks at the folders that a sandbox is to work on. @throws `invalid_argument`, `invalid_path`, `unsupported` */
export async function prepareWorkspaces(
  provider: SandboxProvider,
  { workspace, workspaces = [] }: Asked,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  if (workspace !== undefined && workspaces.length > 0)
    throw new EmberboxError("invalid_argument", "Give either `workspace` or `workspaces`");
  const asked = workspace === undefined ? workspaces : [workspace];
  for (const { mode = "review" } of asked) requireMode(provider, mode);
  const folders: Folder[] = [];
  for (const each of asked) folders.push(await folderOf(each, signal));
  requireApart(folders.map(({ mount }) => mount.guest));
  if (bringsAlong(provider)) {
    const mounts = folders.map(({ mount }) => mount);
    return {
      mounts: mounts.length === 0 ? {} : { workspaces: mounts },
      // What is made of a snapshot has the snapshot's.
      open: async (sandbox, connection) =>
        folders.length === 0
          ? connectWorkspaces(provider, sandbox, connection)
          : folders.map((folder, number) => mounted(provider, sandbox, connection, folder, number)),
    };
  }
  return {
    mounts: {},
    open: async (sandbox) =>
      Promise.all(folders.map((folder) => uploaded(sandbox, folder, signal))),
  };
}

/** The workspaces of a sandbox that was there before, where the provider keeps track of them. */
export async function connectWorkspaces(
  provider: SandboxProvider,
  sandbox: OpenSandbox,
  connection: SandboxConnection,
): Promise<Workspace[]> {
  if (!bringsAlong(provider)) return [];
  const { workspaces = [] } = await provider.getInfo(sandbox.sandboxId);
  return workspaces.map((info, number) => {
    const original = once(async () => baselineOf(provider, info.baseline));
    return new FolderWorkspace({
      ...facts(info),
      isForeign: info.isForeign ?? false,
      leftOut: [],
      inside: insideOf(sandbox, connection, number, info.guest, original),
      baseline: agreed(provider, sandbox, number, original),
      present: () => connection.present?.(),
      save: saver(provider, sandbox, info.guest),
    });
  });
}

/** Why a sandbox has none. */
export function noWorkspace(provider: SandboxProvider): EmberboxError {
  const hint = "Create it with `workspace: folder`.";
  return new EmberboxError("invalid_argument", "This sandbox has no workspace", {
    hint: bringsAlong(provider)
      ? hint
      : `${hint} The provider ${provider.name} does not keep what it was created with: only the \`Sandbox\` that \`create\` gave has its workspace, and none that was connected to.`,
  });
}

const bringsAlong = ({ capabilities }: SandboxProvider): boolean =>
  (capabilities.workspaces?.length ?? 0) > 0;

function requireMode(provider: SandboxProvider, mode: WorkspaceMode): void {
  const { workspaces = [] } = provider.capabilities;
  if (workspaces.includes(mode) || (workspaces.length === 0 && mode === "review")) return;
  throw unsupported(provider, `bring a folder along in the mode \`${mode}\``);
}

async function folderOf(given: WorkspaceOptions, signal: AbortSignal | undefined): Promise<Folder> {
  const { ignore: patterns, gitignore, secrets = false, mode = "review" } = given;
  const host = await hostOf(given.host);
  const guest = given.guest ?? usualGuestPath(host);
  const ignore = new IgnoreTree(patterns, gitignore);
  const scanned = await alone(host, signal, async () => {
    await recover(host);
    return scan(host, { ignore, secrets, signal });
  });
  const options = { ignore: patterns, gitignore, secrets };
  const isIgnored = staysOut(ignore, scanned.leftOut, secrets);
  const { baseline } = scanned;
  return { ...scanned, ignore, mount: { host, guest, mode, baseline, isIgnored, options } };
}

async function hostOf(given: string): Promise<string> {
  const path = resolve(given);
  try {
    const host = await realpath(path);
    if (!(await stat(host)).isDirectory()) throw new Error("it is not a directory");
    if (host !== "/") return host;
  } catch (cause) {
    const { message } = cause as Error;
    throw new EmberboxError("invalid_path", `The folder ${path} cannot be used: ${message}`, {
      cause,
      hint: "Give the path of a folder on this machine.",
    });
  }
  throw new EmberboxError("invalid_argument", "A workspace cannot be all of this machine's files", {
    hint: "Give a folder that is not `/`.",
  });
}

/** One in another would hide what it has. */
function requireApart(guests: readonly string[]): void {
  for (const [index, one] of guests.entries())
    for (const other of guests.slice(index + 1))
      if (one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`))
        throw new EmberboxError(
          "invalid_argument",
          `Two workspaces cannot be at ${one} and ${other} in the sandbox`,
          { hint: "Give each a `guest` of its own." },
        );
}

function mounted(
  provider: SandboxProvider,
  sandbox: OpenSandbox,
  connection: SandboxConnection,
  { mount, ignore, leftOut }: Folder,
  number: number,
): Workspace {
  // The provider knows the digests of the files that it has read.
  const baseline = once(async () => {
    const { workspaces } = await provider.getInfo(sandbox.sandboxId);
    const digest = workspaces?.[number]?.baseline;
    return (digest && (await provider.workspaceBaseline?.(digest))) || mount.baseline;
  });
  return new FolderWorkspace({
    ...facts(mount),
    leftOut,
    ignore,
    inside: insideOf(sandbox, connection, number, mount.guest, baseline),
    baseline: agreed(provider, sandbox, number, baseline),
    present: () => connection.present?.(),
    save: saver(provider, sandbox, mount.guest),
  });
}

const facts = ({ host, guest, mode, options }: WorkspaceInfo | WorkspaceMount) => ({
  ...{ host, guest, mode },
  options: options ?? {},
});

const insideOf = (
  sandbox: OpenSandbox,
  connection: SandboxConnection,
  number: number,
  guest: string,
  original: () => Promise<Baseline>,
): InsideAgent => {
  const tree = once(async () => treeOf((await original()).entries));
  return new InsideAgent(connection, number, tree, new Writer(sandbox, guest));
};

/** What host and sandbox last agreed on. */
const agreed =
  (
    provider: SandboxProvider,
    { sandboxId }: OpenSandbox,
    number: number,
    original: () => Promise<Baseline>,
  ) =>
  async (): Promise<Baseline> => {
    const synced = (await provider.getInfo(sandboxId)).workspaces?.[number]?.synced;
    return synced === undefined ? original() : baselineOf(provider, synced);
  };

const saver =
  (provider: SandboxProvider, { sandboxId }: OpenSandbox, guest: string) =>
  async (synced: Baseline): Promise<void> =>
    provider.setWorkspaceSynced?.(sandboxId, guest, synced);

async function baselineOf(provider: SandboxProvider, digest: string): Promise<Baseline> {
  const baseline = await provider.workspaceBaseline?.(digest);
  if (baseline !== undefined) return baseline;
  throw new EmberboxError("unsupported", `The provider ${provider.name} has not kept a workspace`);
}

/** Sends a folder to a sandbox whose provider knows no workspaces. */
async function uploaded(
  sandbox: OpenSandbox,
  { mount, ignore, leftOut }: Folder,
  signal: AbortSignal | undefined,
): Promise<Workspace> {
  const { host, guest, baseline } = mount;
  await makePlace(sandbox, guest, signal);
  const writer = new Writer(sandbox, guest);
  const sent = await sendFolder(writer, host, baseline, signal);
  return new FolderWorkspace({
    ...facts(mount),
    leftOut,
    ignore,
    inside: new InsideCommands(sandbox, guest, writer),
    baseline: async () => sent,
    // It is known to this program only.
    save: async () => {},
  });
}

/** The folder's place, which belongs to the sandbox's user, and is empty. */
async function makePlace(
  { commands }: Reach,
  guest: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const place = quote(guest);
  const empty = `[ -z "$(ls -A -- ${place})" ]`;
  const made = await commands.run(`mkdir -p -- ${place} && [ -O ${place} ] && ${empty}`, {
    signal,
  });
  if (made.exitCode === 0) return;
  const { stdout } = await commands.run("echo $(id -u):$(id -g)", { signal });
  const owner = /(\d+:\d+)\s*$/.exec(stdout)?.[1] ?? "0:0";
  const script = `mkdir -p -- ${place} && chown ${owner} -- ${place} && { ${empty} || echo full; }`;
  if ((await run(commands, script, { user: "root", signal })).includes("full"))
    throw new EmberboxError("file_exists", `There is something at ${guest} already`, {
      hint: "Give the workspace another `guest`.",
    });
}

/** Work that is done once it is wanted, and again if it failed. */
function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
