// `npm run test:kvm`: makes a machine of Debian 13 whose processor has virtualization, by emulation, and runs tests
// under KVM in it. Arguments are vitest's, instead of the usual test files; `--short` runs one sandbox's life alone.
// With two processors, QEMU's emulation of virtualization damages the machine's own memory now and then, until its kernel
// notices and panics. With one that was not seen. All the same, the tests are run in pieces, each in a machine that was
// started for it, and again when that ended or they failed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { copyCheckout, copyImage } from "./checkout.ts";
import { makeRoot, run } from "./root.ts";
import { scratchDirectory } from "./scratch.ts";

/** One sandbox's life, for which a template is warmed. */
const FIRST = "first";
/** An ordinary user, and a `/dev/kvm` that may not be used. */
const USERS = "users";
/** What KVM could do otherwise than emulation does. */
const PIECES: readonly string[] = [
  ...["code", "(chart|python)", "(context|bash|interrupt)", "(java|type)script", "failure"],
  ...["files", "(commands|pty|stream)", "(sandbox|isolation)", "(pause|snapshot|fork)"],
  ...["(network|ports)", "tools"],
]
  .map((ids) => `test/conformance.test.ts -t \\b${ids}\\.`)
  .concat(
    ["state", "clones", "isolation", "ports", "escapes", "lifecycle"].map(
      (name) => `test/${name}.test.ts`,
    ),
  );
const TRIES = 4;
/** What Vitest does to the terminal stands before it. */
const ENDED = /the tests ended with (\d+)\s*$/m;
const UNIT = `[Service]
Type=oneshot
ExecStart=/bin/sh /mnt/emberbox/test/hosts/in-kvm.sh
ExecStopPost=/bin/systemctl poweroff --force --force
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
`;

const directory = scratchDirectory();
const words = process.argv.slice(2);
const disks = await makeDisks();
const rest = words.length > 0 ? [words.join(" ")] : [...PIECES, USERS];
const report: string[] = [];
for (const piece of words.includes("--short") ? [FIRST] : [FIRST, ...rest])
  report.push(await pass(piece));
process.stdout.write(`${report.join("\n")}\n`);

interface Disks {
  /** Paths. The tree has the files of the root's disk. */
  readonly tree: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly checkout: string;
}

/** Runs a piece in a machine of its own, until it passes; says how that went. */
async function pass(piece: string): Promise<string> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    process.stdout.write(`> ${piece} (try ${attempt})\n`);
    if ((await boot(piece)) === 0) return `passed at try ${attempt}: ${piece}`;
  }
  process.exitCode = 1;
  return `FAILED: ${piece}`;
}

async function makeDisks(): Promise<Disks> {
  const root = join(directory, "root");
  mkdirSync(root);
  makeRoot(root);
  const etc = join(root, "etc");
  const units = join(etc, "systemd/system");
  writeFileSync(join(units, "emberbox-test.service"), UNIT);
  mkdirSync(join(units, "multi-user.target.wants"), { recursive: true });
  symlinkSync(
    "../emberbox-test.service",
    join(units, "multi-user.target.wants/emberbox-test.service"),
  );
  writeFileSync(join(etc, "fstab"), "/dev/vdb /mnt ext4 defaults 0 0\n");
  writeFileSync(join(etc, "hosts"), "127.0.0.1 localhost\n");
  // The machine's network has a name server here.
  writeFileSync(join(etc, "resolv.conf"), "nameserver 10.0.2.3\n");

  const checkout = join(directory, "checkout");
  mkdirSync(checkout);
  copyCheckout(checkout);
  await copyImage(join(checkout, "home"));
  const kept = (name: string): string => {
    const file = join(directory, name);
    copyFileSync(globSync(join(root, `boot/${name}-*`))[0]!, file);
    return file;
  };
  const made = {
    tree: root,
    kernel: kept("vmlinuz"),
    initrd: kept("initrd.img"),
    root: disk(root, "6G"),
    checkout: disk(checkout, "24G"),
  };
  run("rm", "-r", checkout);
  return made;
}

function disk(from: string, size: string): string {
  const file = `${from}.disk`;
  run("mke2fs", "-q", "-t", "ext4", "-d", from, file, size);
  return file;
}

/** Resolves to the exit code of the tests, or to `undefined` if the machine ended first. */
async function boot(piece: string): Promise<number | undefined> {
  const { tree, kernel, initrd, root, checkout } = disks;
  const work = `emberbox.work=${Buffer.from(piece).toString("base64")}`;
  const parameters = [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35"],
    // AMD's virtualization is emulated. V8 does not start on an emulated processor that has protection keys.
    ...["-accel", "tcg", "-cpu", "max,pku=off", "-smp", "1", "-m", "8G"],
    ...[
      "-kernel",
      kernel,
      "-initrd",
      initrd,
      "-append",
      `root=/dev/vda rw console=ttyS0 oops=panic panic=-1 ${work}`,
    ],
    ...[root, checkout].flatMap((file) => [
      "-drive",
      `file=${file},format=raw,if=virtio,cache=unsafe`,
    ]),
    ...["-serial", `file:${join(directory, "console")}`, "-serial", "stdio"],
    ...[
      "-device",
      "virtio-rng-pci",
      "-netdev",
      "user,id=net",
      "-device",
      "virtio-net-pci,netdev=net",
    ],
  ];
  // Debian 13's QEMU, whatever this machine has: its emulation of virtualization is better than older ones'.
  const machine = spawn(
    "bwrap",
    [
      ...["--bind", tree, "/", "--dev", "/dev", "--proc", "/proc", "--die-with-parent"],
      ...["--bind", directory, directory, "qemu-system-x86_64", ...parameters],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  process.once("exit", () => machine.kill("SIGKILL"));
  let tail = "";
  machine.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-4096);
  });
  await once(machine, "close");
  const code = ENDED.exec(tail)?.[1];
  if (code !== undefined) return Number(code);
  const console = readFileSync(join(directory, "console"), "utf8").slice(-4096);
  process.stderr.write(`The machine ended before its tests did. Its console:\n${console}\n`);
  return undefined;
}
