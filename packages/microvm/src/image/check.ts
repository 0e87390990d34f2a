import { statfs } from "node:fs/promises";
import { EmberboxError } from "@emberbox/core";
import { exists } from "../host/exists.ts";
import { findProgram } from "../host/programs.ts";
import { KEYRING } from "./mirror.ts";

/** The programs that building needs, and the Debian packages that have them. */
const programs: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  flock: "util-linux",
  tar: "tar",
  npm: "npm",
};

/** Checks for everything that building needs. @throws `tool_missing`, naming all that is missing */
export async function checkTools(): Promise<void> {
  const needed = process.getuid?.() === 0 ? programs : { ...programs, newuidmap: "uidmap" };
  const missing = Object.entries(needed).filter(([program]) => !findProgram(program));
  const packages = missing.map(([, name]) => name);
  if (!(await exists(KEYRING))) packages.push("debian-archive-keyring");
  if (packages.length === 0) return;
  throw new EmberboxError(
    "tool_missing",
    `building the image needs what is not installed: ${packages.join(", ")}`,
    {
      hint: `Install with: sudo apt-get install ${packages.join(" ")}`,
      details: { packages },
    },
  );
}

const GIB = 1024 ** 3;
/** The most disk space that a build takes, as measured, with some room. */
const NEEDED = { scratch: 4 * GIB, images: 2 * GIB };

/** Fails early when there is no space for the unpacked guest in `scratch` or for the disk in `images`. */
export async function checkSpace(scratch: string, images: string): Promise<void> {
  const [there, here] = await Promise.all([statfs(scratch), statfs(images)]);
  const together =
    there.type === here.type && there.bavail === here.bavail && there.blocks === here.blocks;
  const needed = together
    ? [[scratch, there, NEEDED.scratch + NEEDED.images] as const]
    : ([
        [scratch, there, NEEDED.scratch],
        [images, here, NEEDED.images],
      ] as const);
  for (const [directory, { bavail, bsize }, bytes] of needed) {
    const free = bavail * bsize;
    if (free >= bytes) continue;
    throw new EmberboxError(
      "host_disk_full",
      `building the image needs ${gib(bytes)} GiB in ${directory}; ${gib(free)} GiB are free`,
    );
  }
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}
