// `npm run test:arm64`: machines with another processor than this one's, all emulated. Builds their image, runs one
// sandbox's life, and the conformance suite. Arguments are vitest's; `--short` runs the life alone.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../packages/microvm/src/host/paths.ts";
import { ensureImage, findImage, inWords } from "../../packages/microvm/src/image/index.ts";
import { run } from "./root.ts";

const ARCH = "arm64";
const workspace = join(import.meta.dirname, "../..");
const given = process.argv.slice(2);

await makeImage();
step([process.execPath, "--conditions=@emberbox/source", "test/hosts/life.ts", "tcg", ARCH]);
if (!given.includes("--short")) {
  const tests = given.length > 0 ? given : ["test/arm64.test.ts"];
  step(["vitest", "run", "--project", "machines", "--reporter", "verbose", ...tests]);
}

/** Builds the image, unless it is there: its packages are set up by their own programs, which are emulated as well. */
async function makeImage(): Promise<void> {
  const wanted = { images: paths().images, template: "default", architecture: ARCH } as const;
  if (await findImage(wanted.images, wanted.template, ARCH)) return;
  const leave = letForeignProgramsRun();
  try {
    await ensureImage({ ...wanted, onProgress: inWords((words) => console.log(words)) });
  } finally {
    leave();
  }
}

/** Tells the kernel how to run Arm's programs, as Debian does where it is booted. Returns what takes that back. */
function letForeignProgramsRun(): () => void {
  const kernel = "/proc/sys/fs/binfmt_misc";
  const format = join(kernel, "qemu-aarch64");
  const isMounted = existsSync(join(kernel, "register"));
  if (!isMounted) run("mount", "-t", "binfmt_misc", "binfmt_misc", kernel);
  const isKnown = existsSync(format);
  if (!isKnown)
    writeFileSync(join(kernel, "register"), readFileSync("/usr/lib/binfmt.d/qemu-aarch64.conf"));
  return () => {
    if (!isKnown) writeFileSync(format, "-1");
    if (!isMounted) run("umount", kernel);
  };
}

function step([program, ...parameters]: readonly string[]): void {
  console.log(`> ${[program, ...parameters].join(" ")}`);
  const { status } = spawnSync(program!, parameters, {
    cwd: workspace,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, EMBERBOX_TEST_ARCH: ARCH },
  });
  if (status !== 0) process.exitCode = 1;
}
