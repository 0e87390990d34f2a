import { createReadStream } from "node:fs";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { quote, type TemplateStep } from "@emberbox/core/template";
import type { Destination } from "./copy-step.ts";
import { ownerOf } from "./users.ts";

const ARCHIVE = "/tmp/.emberbox-archive";

/** Copies what is in an archive, as Docker copies. It is unpacked inside, where it can do no harm to this machine. */
export async function unpackInto(
  { archive, src, dest, user, mode }: TemplateStep & { readonly type: "UNPACK" },
  { sandbox, workdir, signal }: Destination,
): Promise<void> {
  const as = { user: "root", signal };
  const stream = Readable.toWeb(createReadStream(archive)) as ReadableStream<Uint8Array>;
  await sandbox.files.write(ARCHIVE, stream, as);
  const variables = {
    src: posix.normalize(src).replace(/^\/+|\/+$/g, "") || ".",
    dest: posix.resolve(workdir, dest) + (/\/\.?$/.test(dest) ? "/" : ""),
    owner: ownerOf(user),
    mode: mode?.toString(8) ?? "",
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  const { exitCode, stderr } = await sandbox.commands.run([...lines, COPY].join("\n"), {
    ...as,
    timeoutMs: 0,
  });
  if (exitCode !== 0) throw new Error(stderr.trim());
}

/** With an empty IFS, a pattern in a variable is expanded, and not cut at spaces. */
const COPY = `set -e
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked" ${ARCHIVE}' EXIT
tar -xf ${ARCHIVE} -C "$unpacked" --no-same-owner
cd "$unpacked"
shopt -s globstar nullglob dotglob
IFS=
found=(./$src)
[ \${#found[@]} -gt 0 ] && { [ -e "\${found[0]}" ] || [ -L "\${found[0]}" ]; } || { echo "there is no $src" >&2; exit 1; }
chown -hR "$owner" "\${found[@]}"
[ -z "$mode" ] || find "\${found[@]}" -type f -exec chmod "$mode" {} +
into=$(dirname "$dest")
if [ \${#found[@]} -gt 1 ] || [ -d "\${found[0]}" ] || [ "\${dest%/}" != "$dest" ]; then into=$dest; fi
[ -d "$into" ] || { mkdir -p "$into"; chown "$owner" "$into"; }
for one in "\${found[@]}"; do
  # A directory's own mode and owner are not for one that was there before.
  if [ -d "$one" ] && [ ! -L "$one" ]; then inside=("$one"/*); else inside=("$one"); fi
  [ \${#inside[@]} -eq 0 ] || cp -a "\${inside[@]}" "$dest"
done`;
