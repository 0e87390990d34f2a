import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
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

/** Makes the files of a Debian 13 in an empty directory. What Debian gives is kept for the next time. */
export function makeRoot(directory: string): void {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "emberbox-hosts");
  const key = createHash("sha256")
    .update(JSON.stringify([RELEASE, PACKAGES]))
    .digest("hex");
  const archive = join(cache, `debian-${key.slice(0, 16)}.tar`);
  if (!existsSync(archive)) {
    mkdirSync(cache, { recursive: true });
    const partial = `${archive}.${process.pid}.tar`;
    try {
      const options = ["--variant=minbase", "--aptopt=Apt::Install-Recommends false"];
      run("mmdebstrap", ...options, `--include=${PACKAGES.join(",")}`, RELEASE, partial);
      renameSync(partial, archive);
    } finally {
      rmSync(partial, { force: true });
    }
  }
  run("tar", "--extract", "--file", archive, "--directory", directory);
  run("chroot", directory, "useradd", "--create-home", "--groups", "kvm", SOMEBODY);
}

/** Runs a program to its end; what it says is for whoever watches. */
export function run(program: string, ...parameters: string[]): void {
  execFileSync(program, parameters, { stdio: ["ignore", 2, 2] });
}
