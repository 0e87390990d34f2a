import { existsSync } from "node:fs";
import { packageManager, type PackageManager, packagesOf, neededThings } from "../host/packages.ts";
import { paths } from "../host/paths.ts";
import { findProgram } from "../host/programs.ts";
import { findImage } from "../image/index.ts";

/** Packages of this machine's distribution that sandboxes need and that are not installed. */
export interface MissingPackages {
  /** What installs them; `undefined` on a distribution that is not known, where the names are Debian's. */
  readonly manager: PackageManager | undefined;
  readonly names: readonly string[];
  /** The line that installs them. */
  readonly line: string;
}

/** What is not installed; `undefined` if all is. What only building an image needs counts while there is no image. */
export async function missingPackages(): Promise<MissingPackages | undefined> {
  const hasImage = (await findImage(paths().images, "default")) !== undefined;
  const signs = neededThings()
    .filter((thing) => thing.for === "run" || (thing.for === "build" && !hasImage))
    .map(({ sign }) => sign)
    .filter((sign) => !(sign.startsWith("/") ? existsSync(sign) : findProgram(sign)));
  if (signs.length === 0) return undefined;
  return { manager: packageManager(), ...packagesOf(signs) };
}
