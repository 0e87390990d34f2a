import { chmod, copyFile, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { architectures } from "../host/architecture.ts";
import { sync } from "../host/durable.ts";
import { runBuilder } from "./builder.ts";
import { mirrorSources } from "./mirror.ts";
import type { ProgressReader } from "./progress.ts";
import type { Recipe, Scripts } from "./recipe.ts";
import { asGuestRoot, type Scratch } from "./scratch.ts";

export interface Build {
  readonly recipe: Recipe;
  readonly scripts: Scripts;
  readonly scratch: Scratch;
  readonly progress: ProgressReader;
  readonly signal: AbortSignal | undefined;
  /** Inherited by every child, so that the next builder waits for the last of them. */
  readonly lock: number;
}

/** Makes `rootfs`, `kernel` and `initrd` in the scratch's result. */
export async function build(context: Build): Promise<void> {
  await fetchPayload(context);
  await bootstrap(context);
  await writeImage(context);
}

/** What goes into the guest beside Debian's packages: our scripts, Node and npm. */
async function fetchPayload({
  recipe,
  scripts,
  scratch,
  progress,
  signal,
  lock,
}: Build): Promise<void> {
  progress.step("fetching Node");
  const payload = join(scratch.work, "payload");
  const files = { ...scripts, "set-up.sh": `set -eu\n${recipe.setUp ?? ""}\n` };
  for (const [name, text] of Object.entries(files)) await writeFile(join(payload, name), text);
  for (const [name, version] of [
    ["node", recipe.node],
    ["npm", recipe.npm],
  ] as const) {
    const directory = join(scratch.result, name);
    await mkdir(directory);
    await runBuilder(["npm", "pack", "--silent", version], {
      cwd: directory,
      signal,
      files: [lock],
    });
    const [packed] = await readdir(directory);
    if (packed === undefined) throw new Error(`npm packed nothing for ${version}`);
    await copyFile(join(directory, packed), join(payload, `${name}.tgz`));
    await rm(directory, { recursive: true });
  }
  await Promise.all((await readdir(payload)).map((name) => chmod(join(payload, name), 0o644)));
  await chmod(payload, 0o755);
}

/** Runs a script of the payload in the guest's root, with nothing of our environment. */
const IN_GUEST = `chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh`;

async function bootstrap({ recipe, scratch, progress, signal, lock }: Build): Promise<void> {
  progress.step("fetching Debian packages");
  const command = [
    ...[
      "mmdebstrap",
      "--verbose",
      "--variant=minbase",
      "--format=directory",
      `--architectures=${architectures[recipe.architecture ?? "x64"].debian}`,
    ],
    // The other modes do not give files their real owners.
    `--mode=${process.getuid?.() === 0 ? "root" : "unshare"}`,
    ...[
      "--aptopt=APT::Install-Recommends false",
      "--aptopt=Acquire::Retries 3",
      "--aptopt=Acquire::Languages none",
    ],
    ...recipe.dpkgOptions.map((option) => `--dpkgopt=${option}`),
    `--include=${recipe.packages.join(",")}`,
    `--essential-hook=cp -r ${scratch.work}/payload "$1/build" && ${IN_GUEST} /build/placeholder.sh ${recipe.leftOut.join(" ")}`,
    ...["kernel.sh", "userland.sh", "set-up.sh", "finish.sh"].map(
      (script) => `--customize-hook=${IN_GUEST} /build/${script}`,
    ),
    recipe.suite,
    join(scratch.work, "root"),
    ...mirrorSources(recipe.suite),
  ];
  await runBuilder(command, {
    cwd: "/",
    signal,
    files: [lock],
    onLine: (line) => progress.line(line),
  });
}

// The files are already open: inside the namespace nobody may enter the user's directories.
const WRITE_IMAGE = `
set -eu
root=$1/root
cat "$root/boot/vmlinuz" >&4
cat "$root/boot/initrd" >&5
rm "$root/boot/vmlinuz" "$root/boot/initrd"
find "$root/dev" "$root/tmp" -xdev -mindepth 1 -delete
: > "$root/etc/machine-id"
mke2fs -q -F -t ext4 -b 4096 -m 0 -L emberbox -O ^has_journal,^metadata_csum -E lazy_itable_init=0,root_owner=0:0 -d "$root" /proc/self/fd/3
`;

async function writeImage({ recipe, scratch, progress, signal, lock }: Build): Promise<void> {
  progress.step("writing the disk");
  const files = await Promise.all(
    ["rootfs", "kernel", "initrd"].map((name) => open(join(scratch.result, name), "wx+")),
  );
  try {
    const [rootfs] = files;
    await rootfs?.truncate(recipe.diskMiB * 1024 * 1024);
    await rootfs?.chmod(0o666);
    const command = asGuestRoot(["sh", "-c", WRITE_IMAGE, "sh", scratch.work]);
    await runBuilder(command, { cwd: "/", signal, files: [...files.map((file) => file.fd), lock] });
    for (const file of files) {
      await file.chmod(0o644);
      await file.sync();
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/** Gives a finished build its name, durably: whoever sees the name sees all of it. */
export async function publish(result: string, directory: string): Promise<void> {
  await sync(result);
  await rename(result, directory);
  await sync(dirname(directory));
}
