import { createHash } from "node:crypto";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { HOST_ARCHITECTURE } from "../../packages/microvm/src/host/architecture.ts";
import { closeFiles, startProcess } from "../../packages/microvm/src/machine/process.ts";
import { readOnlyView } from "../../packages/microvm/src/machine/read-only.ts";
import { sandboxProcess } from "../../packages/microvm/src/restore/start.ts";
import { asOrdinaryUser, ORDINARY_ID } from "../support/ordinary-user.ts";

/** What each piece of Perl saw, by its name. */
export type Probe = ReadonlyMap<string, string>;

/** For which accelerator the jail is made, and for whom. */
export interface ProbeWorld {
  readonly accelerator: "tcg" | "kvm";
  readonly user: "root" | "an ordinary user";
}

const isRoot = process.getuid?.() === 0;

/** As root there are four worlds; an ordinary user cannot become another. */
export const probeWorlds: readonly ProbeWorld[] = (["tcg", "kvm"] as const).flatMap((accelerator) =>
  (["root", "an ordinary user"] as const)
    .filter((user) => isRoot || user !== "root")
    .map((user) => ({ accelerator, user })),
);

/** Perl is on every Debian machine, finds all it needs in `/usr/lib`, and can make any call to the kernel. */
const PERL = "/usr/bin/perl";

const PRELUDE = `$| = 1; $SIG{XFSZ} = "IGNORE";
sub call { my $got = syscall(shift(@_) + 0, map { /^-?\\d+$/ ? $_ + 0 : $_ } @_); $got == -1 ? "$!" : "GOT $got" }
sub slurp { open(my $f, "<", $_[0]) or return "$!"; local $/; my $t = <$f>; defined $t ? "GOT $t" : "$!" }
sub names { opendir(my $d, $_[0]) or return "$!"; join " ", sort grep { !/^\\.\\.?$/ } readdir $d }
sub seen { my ($name, $what) = @_; $what =~ s/\\s+/ /g; syswrite STDERR, "$name\\t" . substr($what, 0, 4000) . "\\n" }
`;

/** The name under which a probe tells what became of the files that a machine shares with its siblings. */
export const SHARED_FILES = "shared files";

/**
 * Starts Perl as QEMU is started for a sandbox: the same jail, limits, filter of system calls and open files, with
 * another program inside. QEMU's own filter, which QEMU sets up itself, is missing: it comes on top.
 */
export async function probeJail(
  pieces: Readonly<Record<string, string>>,
  world: ProbeWorld = probeWorlds[0]!,
): Promise<Probe> {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-probe-"));
  try {
    const as = isRoot && world.user !== "root";
    if (as) chownSync(directory, ORDINARY_ID, ORDINARY_ID);
    const work = { directory, pieces, accelerator: world.accelerator };
    if (!as) return await probe(work);
    const said = await asOrdinaryUser(import.meta.filename, "probeToEntries", [work]);
    return new Map(said as [string, string][]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface Probed {
  readonly world: ProbeWorld;
  readonly probe: Probe;
}

export const probeAll = (pieces: Readonly<Record<string, string>>): Promise<Probed[]> =>
  Promise.all(probeWorlds.map(async (world) => ({ world, probe: await probeJail(pieces, world) })));

interface Work extends Pick<ProbeWorld, "accelerator"> {
  readonly directory: string;
  readonly pieces: Readonly<Record<string, string>>;
}

export const probeToEntries = async (work: Work): Promise<[string, string][]> => [
  ...(await probe(work)),
];

/** Files of a template, an image and a layer as they lie on a disk, of whoever runs this; what is in them does not matter. */
function makeFiles(directory: string) {
  const path = (name: string): string => join(directory, name);
  const names = [
    "ram",
    "kernel",
    "kernel-head",
    "initrd",
    "rootfs",
    "disk",
    "overlay",
    "layer",
    "folders",
  ];
  for (const name of names)
    writeFileSync(path(name), `${name} `.repeat(4096), {
      mode: ["layer", "folders"].includes(name) ? 0o600 : 0o644,
    });
  mkdirSync(path("run"));
  const shape = { memoryMB: 1024, cpuCount: 1 };
  const image = { directory, digest: "", kernel: path("kernel"), initrd: path("initrd") };
  return {
    sharedFiles: names.filter((name) => name !== "overlay").map(path),
    source: (accelerator: ProbeWorld["accelerator"]) =>
      ({
        template: {
          ...{
            key: "",
            directory,
            state: Buffer.alloc(0),
            kernelArguments: "",
            readOnlyRam: false,
          },
          ...{ ram: path("ram"), disk: path("disk"), overlay: path("overlay") },
          ...{ initrd: path("initrd"), kernelHead: path("kernel-head") },
          image: { ...image, rootfs: path("rootfs") },
          shape: { architecture: HOST_ARCHITECTURE, accelerator, ...shape },
        },
        layers: [{ path: path("layer"), layer: { name: "", home: "", bytes: 0, sum: 0 } }],
        overlay: path("overlay"),
        workspace: { path: path("folders"), key: "" },
        diskMB: 4096,
        start: { how: "sandbox" },
      }) as const,
  };
}

const digest = (paths: readonly string[]): string =>
  paths.map((path) => createHash("sha256").update(readFileSync(path)).digest("hex")).join();

async function probe({ directory, pieces, accelerator }: Work): Promise<Probe> {
  const { source, sharedFiles } = makeFiles(directory);
  const before = digest(sharedFiles);
  const program = Object.entries(pieces)
    .map(([name, code]) => `seen("${name}", eval { ${code} } // "died: $@");`)
    .join("\n");
  const options = {
    ...(await sandboxProcess({
      source: source(accelerator),
      qemu: PERL,
      jail: true,
      view: await readOnlyView(),
      run: join(directory, "run"),
      diskMB: 4096,
    })),
    args: ["-e", PRELUDE + program],
  };
  const { child, cgroup } = await startProcess(options);
  const said = await text(child.stderr!);
  child.kill("SIGKILL");
  await cgroup?.remove();
  for (const stream of child.stdio) stream?.destroy();
  await closeFiles(options);
  const seen = new Map<string, string>();
  for (const line of said.trim().split("\n"))
    seen.set(line.split("\t")[0]!, line.slice(line.indexOf("\t") + 1));
  return seen.set(SHARED_FILES, digest(sharedFiles) === before ? "as they were" : "CHANGED");
}
