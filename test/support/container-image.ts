import { type LayoutOptions, tar } from "../../packages/microvm/src/container/testing/layout.ts";
import type { Sandbox } from "@emberbox/core";

export { tar, writeLayout } from "../../packages/microvm/src/container/testing/layout.ts";

/** What an image of Debian with Python has; of the default template's packages, the smallest that will do. */
const PACKAGES = [
  ...["base-files", "bash", "bash-static", "dash", "coreutils", "debianutils", "findutils", "grep"],
  ...[
    "libc6",
    "libc-bin",
    "libacl1",
    "libattr1",
    "libcap2",
    "libgcc-s1",
    "libgmp10",
    "libpcre2-8-0",
  ],
  ...["libselinux1", "libtinfo6", "libssl3t64", "libcrypt1", "libsystemd0", "zlib1g", "libzstd1"],
  ...["python3", "python3-minimal", "python3.13", "python3.13-minimal", "libpython3.13-minimal"],
  ...[
    "libpython3.13-stdlib",
    "libexpat1",
    "libffi8",
    "libbz2-1.0",
    "liblzma5",
    "libuuid1",
    "libsqlite3-0",
  ],
];

/** A layer of Debian's own files, without what makes the default template one. */
export async function debianLayer(
  sandbox: Sandbox,
  { hasPython = true }: { readonly hasPython?: boolean } = {},
): Promise<Buffer> {
  const packages = PACKAGES.filter((name) => hasPython || !name.includes("python"));
  const list = `for name in ${packages.join(" ")}; do dpkg --listfiles $name 2>/dev/null; done | sort -u | grep -Ev '^/(\\.|usr/share/(doc|locale|man|zoneinfo)/.*)?$|/(test|idlelib|tkinter|ensurepip)/'`;
  const root =
    "/bin /sbin /lib /lib64 /etc/ld.so.cache /etc/nsswitch.conf /usr/bin/sh /usr/bin/awk";
  const packed = await sandbox.commands.run(
    `set -e; { ${list}; for path in ${root}; do [ -e $path ] && echo $path; done; } | while read -r path; do { [ -e "$path" ] || [ -L "$path" ]; } && echo "\${path#/}"; done | sort -u > /tmp/list; tar -C / --no-recursion -cf /tmp/layer.tar -T /tmp/list`,
    { user: "root", timeoutMs: 0 },
  );
  if (packed.exitCode !== 0) throw new Error(packed.stderr);
  return Buffer.from(await sandbox.files.read("/tmp/layer.tar", { format: "bytes", user: "root" }));
}

export const SETTINGS: NonNullable<LayoutOptions["config"]> = {
  config: {
    Env: ["PATH=/opt/tools:/usr/local/bin:/usr/bin:/bin", "GREETING=from the image"],
    WorkingDir: "/srv/app",
    User: "4321:4321",
    Entrypoint: ["/bin/false"],
  },
};

/** A layer over it: a package for Python, accounts of its own, and something that is hidden again. */
export const OWN_LAYER: Buffer = tar([
  ["etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n"],
  ["etc/group", "root:x:0:\nnode:x:1000:\n"],
  ["srv/app/data", "from a layer\n"],
  ["srv/app/hidden", "not to be seen\n"],
  ["usr/lib/python3/dist-packages/flower.py", 'NAME = "tulip"\n'],
]);
export const LAST_LAYER: Buffer = tar([["srv/app/.wh.hidden", ""]]);
