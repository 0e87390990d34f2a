import { readFileSync } from "node:fs";
import { type Architecture, HOST_ARCHITECTURE } from "./architecture.ts";
import { besideModule } from "./own-files.ts";

export type PackageManager = "apt" | "dnf" | "pacman";

/** A row of `packages.json`, which the set-up of a clone reads as well: what a machine must have, and who packs it. */
interface Needed extends Readonly<Record<PackageManager, string>> {
  /** The name of a program, or the path of a file. */
  readonly sign: string;
  /** Whether sandboxes need it, or only what builds their image, or only what fetches container images. */
  readonly for: "run" | "build" | "container";
  /** Where only one kind of machine needs it. */
  readonly on?: Architecture;
  /** Root needs no subordinate ids. */
  readonly notForRoot?: true;
}

/** What this user needs of this machine. Read only when something is missing, or is looked for. */
export function neededThings(): readonly Needed[] {
  return knownThings().filter(
    ({ on = HOST_ARCHITECTURE, notForRoot }) =>
      on === HOST_ARCHITECTURE && !(notForRoot && isRoot()),
  );
}

function knownThings(): readonly Needed[] {
  return JSON.parse(
    readFileSync(besideModule(import.meta.url, "packages.json"), "utf8"),
  ) as readonly Needed[];
}

/** How a distribution installs packages, by its `/etc/os-release`; `undefined` if that is not known. */
export function packageManagerOf(osRelease: string): PackageManager | undefined {
  const lines = [...osRelease.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)];
  const words = new Set(lines.flatMap(([, value]) => value!.replaceAll(/["']/g, "").split(" ")));
  const known = Object.entries(distributions) as [PackageManager, readonly string[]][];
  return known.find(([, names]) => names.some((name) => words.has(name)))?.[0];
}

const distributions: Readonly<Record<PackageManager, readonly string[]>> = {
  apt: ["debian", "ubuntu"],
  dnf: ["fedora", "rhel"],
  pacman: ["arch"],
};

/** How this machine installs packages. */
export function packageManager(): PackageManager | undefined {
  try {
    return packageManagerOf(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return undefined;
  }
}

const commands: Readonly<Record<PackageManager, string>> = {
  apt: "apt-get install --no-install-recommends",
  dnf: "dnf install",
  pacman: "pacman -S --needed",
};

/** Packages that have these things, and the line that installs them on this machine; Debian's where it is unknown. */
export function packagesOf(signs: readonly string[]): { names: string[]; line: string } {
  const manager = packageManager() ?? "apt";
  const rows = knownThings().filter(({ sign }) => signs.includes(sign));
  const names = [...new Set(rows.map((row) => row[manager]))];
  const line = `${isRoot() ? "" : "sudo "}${commands[manager]} ${names.join(" ")}`;
  return { names, line };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
