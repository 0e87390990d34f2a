import type { Commands } from "../../commands/commands.ts";
import { EmberboxError } from "../../errors.ts";
import { quote } from "../../shell-quote.ts";
import type { FileOptions } from "../read.ts";

/** How scripts say what a message in some language would not say reliably. */
const exits = { exists: 81, noTar: 82, missing: 83, noDirectory: 84 } as const;

/** Messages of programs are read. */
const BEGIN = `export LC_ALL=C
tar --version 2>/dev/null | grep -q GNU || exit ${exits.noTar}`;

/** Refuses a place for a folder, before anything is sent. */
export const checkPlace = (path: string, existing: string): string => `${BEGIN}
place=$(realpath -m -- ${quote(path)}) || exit
[ "$place" != / ] || [ ${existing} = merge ] || exit ${exits.exists}
if [ -e "$place" ] || [ -L "$place" ]; then
  [ -d "$place" ] || exit ${exits.exists}
  [ ${existing} != refuse ] || [ -z "$(ls -A -- "$place")" ] || exit ${exits.exists}
fi`;

/**
 * Unpacks an archive, beside the folder's place where it may, so that it is there as a whole or not at all. A directory
 * that may not be written to cannot be removed with what is in it.
 */
export const unpackArchive = (
  archive: string,
  path: string,
  existing: string,
  id: string,
): string => `set -e
${checkPlace(path, existing)}
unpack() { tar -x -p --no-same-owner --delay-directory-restore -f ${archive} -C "$1"; }
discard() { [ ! -e "$1" ] || { chmod -R u+rwX -- "$1" && rm -rf -- "$1"; }; }
beside=$(dirname -- "$place")/.$(basename -- "$place" | head -c 200).${id}
trap 'rm -f ${archive}; discard "$beside"' EXIT
if [ ${existing} = merge ]; then
  mkdir -p -- "$place"
  unpack "$place"
  exit
fi
mkdir -p -- "$(dirname -- "$place")"
mkdir -- "$beside"
unpack "$beside"
if [ ${existing} = replace ] && [ -e "$place" ]; then
  mv -T -- "$place" "$beside.old"
  mv -T -- "$beside" "$place" || { mv -T -- "$beside.old" "$place"; exit 1; }
  discard "$beside.old"
else
  mv -T -- "$beside" "$place"
fi`;

/** Packs a folder to standard output, after a mark: what the user's profile prints comes before it. */
export const packFolder = (
  path: string,
  mark: string,
  exclude: readonly string[],
  hasIgnored: boolean,
): string => `${BEGIN}
cd -- ${quote(path)} 2>/dev/null || { [ -e ${quote(path)} ] && exit ${exits.noDirectory}; exit ${exits.missing}; }
printf %s ${mark}
exec tar -c -f - --format=posix --pax-option=delete=atime,delete=ctime --sort=name ${[
  // What a link means may be left out.
  ...(hasIgnored ? ["--hard-dereference"] : []),
  ...exclude.map((name) => `--exclude=${quote(name)}`),
].join(" ")} .`;

/** Runs one of them. */
export async function runScript(
  commands: Commands,
  script: string,
  path: string,
  options: FileOptions,
): Promise<void> {
  const { exitCode, stderr } = await commands.run(script, { ...options, timeoutMs: 0 });
  if (exitCode !== 0) throw scriptError(exitCode, stderr, path);
}

/** What an exit code and the messages of a script mean. */
export function scriptError(exitCode: number, stderr: string, path: string): EmberboxError {
  const shown = JSON.stringify(path);
  if (exitCode === exits.exists)
    return new EmberboxError("file_exists", `There is something at ${shown} already`, {
      hint: "Choose another path, or say what to do with what is there: `existing`.",
    });
  if (exitCode === exits.noTar)
    return new EmberboxError("unsupported", "The sandbox has no GNU tar, which copies folders", {
      hint: "Install the package `tar` in the sandbox's template.",
    });
  if (exitCode === exits.missing)
    return new EmberboxError("file_not_found", `No such directory in the sandbox: ${shown}`);
  if (exitCode === exits.noDirectory)
    return new EmberboxError("invalid_path", `${shown} is not a directory that can be entered`);
  const said = stderr.trim().slice(0, 1000);
  const code = /No space left on device|Disk quota exceeded/.test(said)
    ? "disk_full"
    : /Permission denied|Operation not permitted/.test(said)
      ? "permission_denied"
      : "invalid_path";
  return new EmberboxError(code, `The folder ${shown} could not be copied: ${said}`, {
    details: { exitCode },
  });
}
