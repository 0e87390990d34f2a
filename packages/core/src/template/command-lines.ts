import { shellLine } from "../shell-quote.ts";

/** The words that are given, without those whose condition is false. */
const line = (...words: (string | false | undefined)[]): string =>
  shellLine(words.filter((word) => typeof word === "string"));

export const removeLine = (
  paths: readonly string[],
  { recursive, force }: { recursive?: boolean | undefined; force?: boolean | undefined },
): string => line("rm", recursive && "-r", force && "-f", "--", ...paths);

export const renameLine = (src: string, dest: string, force: boolean | undefined): string =>
  line("mv", force && "-f", "--", src, dest);

export const makeDirLine = (paths: readonly string[], mode: number | undefined): string =>
  line(...["mkdir", "-p", mode !== undefined && `--mode=${mode.toString(8)}`, "--", ...paths]);

/** `-n`: a link to a directory is itself what is there already. */
export const makeSymlinkLine = (src: string, dest: string, force: boolean | undefined): string =>
  line("ln", "-s", "-n", force && "-f", "--", src, dest);

/** Debian's Python refuses packages from elsewhere unless it is told to accept them. */
export const pipLine = (packages: readonly string[], isGlobal: boolean): string =>
  line("pip", "install", "--break-system-packages", !isGlobal && "--user", ...packages);

export const npmLine = (
  packages: readonly string[],
  { g, dev }: { g?: boolean | undefined; dev?: boolean | undefined },
): string => line("npm", "install", g && "--global", dev && "--save-dev", ...packages);

export function aptLine(
  packages: readonly string[],
  options: { noInstallRecommends?: boolean | undefined; fixMissing?: boolean | undefined },
): string {
  const recommends = options.noInstallRecommends && "--no-install-recommends";
  const missing = options.fixMissing && "--fix-missing";
  const install = line("apt-get", "install", "-y", recommends, missing, ...packages);
  return `apt-get update && DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes ${install}`;
}

export function gitCloneLine(
  url: string,
  path: string | undefined,
  { branch, depth }: { branch?: string | undefined; depth?: number | undefined },
): string {
  const only = branch === undefined ? [] : ["--branch", branch, "--single-branch"];
  const recent = depth === undefined ? [] : ["--depth", String(depth)];
  return line("git", "clone", ...only, ...recent, "--", url, path);
}
