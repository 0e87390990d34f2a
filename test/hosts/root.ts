import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What a Debian needs in order to run Emberbox; the rest is for tests, or makes it a machine. */
const PACKAGES = [
  ...["qemu-system-x86", "qemu-utils", "bubblewrap", "util-linux", "cpio"],
  ...["mmdebstrap", "e2fsprogs", "debian-archive-keyring", "gpg", "uidmap"],
  ...["nodejs", "npm", "procps", "iproute2", "nftables", "python3", "git", "ca-certificates"],
  ...["linux-image-amd64", "systemd-sysv", "udev", "dbus", "kmod"],
];
const RELEASE = "trixie";
/** An account in the group of `/dev/kvm`, and of nothing else. */
const SOMEBODY = "somebody";
/** As people have them. */
export const HOME = "/home/Zoë Müller";

/** Makes the files of a Debian 13 in an empty directory. */
export function makeRoot(directory: string): void {
  makeDebian(directory, PACKAGES);
  const account = ["--create-home", "--groups", "kvm", "--home-dir", HOME, SOMEBODY];
  run("chroot", directory, "useradd", ...account);
}

/**
 * Makes the files that `node:24-trixie-slim` has, in an empty directory; returns the environment of its programs. npm
 * and Debian are found as on this machine.
 */
export function makeNodeRoot(directory: string): Readonly<Record<string, string>> {
  makeDebian(directory, ["ca-certificates"]);
  run("chroot", directory, "useradd", "--create-home", "--shell", "/bin/bash", "node");
  const local = join(directory, "usr/local");
  copyFileSync(process.execPath, join(local, "bin/node"));
  run("npm", "install", "--global", "--prefix", local, "npm@11");
  return {
    ...{ PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
    ...connect(directory),
  };
}

/** Lets the root reach what this machine reaches; returns what its programs need for that in their environment. */
export function connect(root: string): Readonly<Record<string, string>> {
  for (const name of ["resolv.conf", "hosts"])
    copyFileSync(`/etc/${name}`, join(root, "etc", name));
  // As somebody has them who is behind a mirror of npm.
  const settings = join(homedir(), ".npmrc");
  mkdirSync(join(root, "usr/local/etc"), { recursive: true });
  if (existsSync(settings)) copyFileSync(settings, join(root, "usr/local/etc/npmrc"));
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  if (certificates === undefined) return {};
  cpSync(realpathSync(certificates), join(root, certificates), { recursive: true });
  return { NODE_EXTRA_CA_CERTS: certificates };
}

/** What Debian gives is kept for the next time. */
function makeDebian(directory: string, packages: readonly string[]): void {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "emberbox-hosts");
  const key = createHash("sha256")
    .update(JSON.stringify([RELEASE, packages]))
    .digest("hex");
  const archive = join(cache, `debian-${key.slice(0, 16)}.tar`);
  if (!existsSync(archive)) {
    mkdirSync(cache, { recursive: true });
    const partial = `${archive}.${process.pid}.tar`;
    try {
      const options = ["--variant=minbase", "--aptopt=Apt::Install-Recommends false"];
      run("mmdebstrap", ...options, `--include=${packages.join(",")}`, RELEASE, partial);
      renameSync(partial, archive);
    } finally {
      rmSync(partial, { force: true });
    }
  }
  run("tar", "--extract", "--file", archive, "--directory", directory);
}

/** Runs a program to its end; what it says is for whoever watches. */
export function run(program: string, ...parameters: string[]): void {
  execFileSync(program, parameters, { stdio: ["ignore", 2, 2] });
}
