// `npm run test:debian13`: enters a Debian 13, with its QEMU and its Node, by namespaces instead of a container engine,
// and becomes an ordinary user there, who sets up the workspace and runs tests. Arguments are vitest's. The user is behind
// a proxy, and has spaces and umlauts in paths, a strict umask and an ASCII locale.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { copyCheckout } from "./checkout.ts";
import { startProxy } from "./proxy.ts";
import { connect, HOME, makeRoot, run } from "./root.ts";
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
exec chroot . env --chdir="/$CHECKOUT" sh test/hosts/in-debian13.sh "$@"`;
const CHECKOUTS = "mnt/Zoë’s work";

const root = scratchDirectory();
makeRoot(root);
const environment = connect(root);
mkdirSync(join(root, CHECKOUTS), { recursive: true });
copyCheckout(join(root, CHECKOUTS));
run("chroot", root, "chown", "--recursive", "somebody:somebody", "/mnt", HOME);
const proxy = await startProxy();

const given = process.argv.slice(2);
const tests = given.length > 0 ? given : FILES.map((name) => `test/${name}.test.ts`);
const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts"];
const inside = spawn("unshare", [...namespaces, "sh", "-c", ENTER, "enter", root, ...tests], {
  stdio: ["ignore", "inherit", "inherit"],
  env: {
    ...{ HOME, CHECKOUT: `${CHECKOUTS}/emberbox`, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    ...{ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: "localhost,127.0.0.1" },
    ...environment,
  },
});
process.once("exit", () => inside.kill("SIGKILL"));
const [code] = (await once(inside, "close")) as [number | null];
console.log(`asked of the proxy: ${[...proxy.hosts].join(", ")}`);
assert.ok(
  [/debian/, /npm/].every((wanted) => [...proxy.hosts].some((host) => wanted.test(host))),
  "what is installed comes through the proxy",
);
process.exitCode = code ?? 1;
