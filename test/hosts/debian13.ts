// `npm run test:debian13`: enters a Debian 13, with its QEMU and its Node, by namespaces instead of a container engine,
// and becomes an ordinary user there, who sets up the workspace and runs tests. Arguments are vitest's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { copyCheckout } from "./checkout.ts";
import { makeRoot, run } from "./root.ts";
import { scratchDirectory } from "./scratch.ts";

const FILES = ["conformance", "state", "ordinary-user", "setup-errors", "ports", "plotly"];
/** The directory in `$1` becomes the root of this process's own view of files, with what every system has. */
const ENTER = `set -e
mount --rbind "$1" "$1"
cd "$1"
for name in dev sys; do mount --rbind /$name $name; done
mount -t proc proc proc
mount -t tmpfs tmpfs run
pivot_root . .
umount -l .
shift
exec chroot . /bin/sh /mnt/emberbox/test/hosts/in-debian13.sh "$@"`;

const root = scratchDirectory();
makeRoot(root);
for (const name of ["resolv.conf", "hosts"]) copyFileSync(`/etc/${name}`, join(root, "etc", name));
mkdirSync(join(root, "mnt"), { recursive: true });
copyCheckout(join(root, "mnt"));
// As somebody has them who is behind a mirror of npm.
const certificates = process.env["NODE_EXTRA_CA_CERTS"];
if (certificates !== undefined)
  cpSync(realpathSync(certificates), join(root, certificates), { recursive: true });
const settings = join(homedir(), ".npmrc");
if (existsSync(settings)) cpSync(settings, join(root, "home/somebody/.npmrc"));
run("chroot", root, "chown", "--recursive", "somebody:somebody", "/mnt", "/home/somebody");

const given = process.argv.slice(2);
const tests = given.length > 0 ? given : FILES.map((name) => `test/${name}.test.ts`);
const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts"];
const inside = spawn("unshare", [...namespaces, "sh", "-c", ENTER, "enter", root, ...tests], {
  stdio: ["ignore", "inherit", "inherit"],
});
process.once("exit", () => inside.kill("SIGKILL"));
const [code] = (await once(inside, "close")) as [number | null];
process.exitCode = code ?? 1;
