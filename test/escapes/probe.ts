import { text } from "node:stream/consumers";
import { openEngine } from "../../packages/microvm/src/engine.ts";
import { closeFiles, startProcess } from "../../packages/microvm/src/machine/process.ts";
import { readOnlyView } from "../../packages/microvm/src/machine/read-only.ts";
import { resolveCreateOptions } from "../../packages/microvm/src/options.ts";
import { sandboxProcess } from "../../packages/microvm/src/start.ts";

/** What each piece of Perl saw, by its name. */
export type Probe = ReadonlyMap<string, string>;

/** Perl is on every Debian machine, finds all it needs in `/usr/lib`, and can make any call to the kernel. */
const PERL = "/usr/bin/perl";

const PRELUDE = `$| = 1; $SIG{XFSZ} = "IGNORE";
sub call { my $got = syscall(shift(@_) + 0, map { /^-?\\d+$/ ? $_ + 0 : $_ } @_); $got == -1 ? "$!" : "GOT $got" }
sub slurp { open(my $f, "<", $_[0]) or return "$!"; local $/; my $t = <$f>; defined $t ? "GOT $t" : "$!" }
sub names { opendir(my $d, $_[0]) or return "$!"; join " ", sort grep { !/^\\.\\.?$/ } readdir $d }
sub seen { my ($name, $what) = @_; $what =~ s/\\s+/ /g; syswrite STDERR, "$name\\t" . substr($what, 0, 300) . "\\n" }
`;

/**
 * Starts Perl as QEMU is started for a sandbox: the same jail, limits, filter of system calls and open files, with
 * another program inside. QEMU's own filter, which QEMU sets up itself, is missing: it comes on top.
 */
export async function probeJail(pieces: Readonly<Record<string, string>>): Promise<Probe> {
  const engine = openEngine({});
  const create = resolveCreateOptions({});
  const template = await engine.template(create);
  const { diskMB } = create;
  const { run } = engine.paths;
  const { overlay } = template;
  const source = { template, layers: [], overlay, diskMB, start: { how: "sandbox" } } as const;
  const program = Object.entries(pieces)
    .map(([name, code]) => `seen("${name}", eval { ${code} } // "died: $@");`)
    .join("\n");
  const view = await readOnlyView();
  const options = {
    ...sandboxProcess({ source, qemu: PERL, jail: true, view, run, diskMB }),
    args: ["-e", PRELUDE + program],
  };
  const { child, cgroup } = startProcess(options);
  const said = await text(child.stderr!);
  child.kill("SIGKILL");
  await cgroup?.remove();
  for (const stream of child.stdio) stream?.destroy();
  closeFiles(options);
  const lines = said.trim().split("\n");
  return new Map(lines.map((line) => [line.split("\t")[0]!, line.slice(line.indexOf("\t") + 1)]));
}
