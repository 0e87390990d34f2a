// `npm run test:kvm`: makes a machine of Debian 13 whose processor has virtualization, by emulation, and runs tests
// under KVM in it. Arguments are vitest's, instead of the usual test files; `--short` runs one sandbox's life alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, globSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyCheckout, copyImage } from "./checkout.ts";
import { makeRoot, run } from "./root.ts";
import { scratchDirectory } from "./scratch.ts";

/** What KVM could do otherwise than emulation does. */
const FILES = ["conformance", "state", "clones", "isolation", "ports", "escapes", "lifecycle"];
const ENDED = /^the tests ended with (\d+)\s*$/m;
const UNIT = `[Service]
Type=oneshot
ExecStart=/bin/sh /mnt/emberbox/test/hosts/in-kvm.sh
ExecStopPost=/bin/systemctl poweroff --force --force
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
EnvironmentFile=/mnt/environment
`;

const directory = scratchDirectory();
const disks = await makeDisks(process.argv.slice(2));
process.exitCode = await boot(disks);

interface Disks {
  /** Paths. */
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly checkout: string;
}

async function makeDisks(words: readonly string[]): Promise<Disks> {
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
  const isShort = words.includes("--short");
  const tests = words.length > 0 ? words : FILES.map((name) => `test/${name}.test.ts`);
  writeFileSync(join(checkout, "environment"), `TESTS="${isShort ? "" : tests.join(" ")}"\n`);
  const boot = (name: string): string => {
    const kept = join(directory, name);
    copyFileSync(globSync(join(root, `boot/${name}-*`))[0]!, kept);
    return kept;
  };
  return {
    kernel: boot("vmlinuz"),
    initrd: boot("initrd.img"),
    root: disk(root, "6G"),
    checkout: disk(checkout, "24G"),
  };
}

function disk(from: string, size: string): string {
  const file = `${from}.disk`;
  run("mke2fs", "-q", "-t", "ext4", "-d", from, file, size);
  run("rm", "-r", from);
  return file;
}

async function boot({ kernel, initrd, root, checkout }: Disks): Promise<number> {
  const parameters = [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35"],
    // AMD's virtualization is emulated. V8 does not start on an emulated processor that has protection keys.
    ...["-accel", "tcg,thread=multi", "-cpu", "max,pku=off", "-smp", "2", "-m", "8G"],
    ...[
      "-kernel",
      kernel,
      "-initrd",
      initrd,
      "-append",
      "root=/dev/vda rw console=ttyS0 quiet oops=panic panic=-1",
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
  const machine = spawn("qemu-system-x86_64", parameters, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => machine.kill("SIGKILL"));
  let tail = "";
  machine.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    tail = (tail + text).slice(-4096);
  });
  await once(machine, "close");
  const code = ENDED.exec(tail)?.[1];
  if (code !== undefined) return Number(code);
  process.stderr.write("The machine ended before its tests did.\n");
  return 1;
}
