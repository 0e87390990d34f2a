import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AcceleratorChoice,
  chooseAccelerator,
} from "../packages/microvm/src/host/accelerator.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import {
  findProgram,
  programStamp,
  QEMU,
  requireProgram,
} from "../packages/microvm/src/host/programs.ts";
import { findImage } from "../packages/microvm/src/image/index.ts";
import { machinesOf } from "./support/processes.ts";
import { createSandbox } from "./support/sandboxes.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";

const path = process.env["PATH"];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "emberbox-test-"));
});
afterEach(async () => {
  process.env["PATH"] = path;
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

async function failure(promise: Promise<unknown>): Promise<EmberboxError> {
  const error: unknown = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(EmberboxError.isInstance(error), String(error)).toBe(true);
  expect((error as EmberboxError).hint).not.toBe("");
  return error as EmberboxError;
}

/** Only root can mount a small file system. */
function needRoot(skip: (why: string) => void): void {
  if (process.getuid?.() === 0) return;
  if (process.env["EMBERBOX_REQUIRE"]?.includes("root")) throw new Error("root is required here");
  skip("only root can mount a file system for this");
}

/** Stand-ins for what takes minutes: what they make is no Debian. */
const builders = {
  npm: "#!/bin/sh\ntouch packed.tgz\n",
  mmdebstrap: `#!/bin/sh
    [ "$1" != --unshare-helper ] || { shift; exec "$@"; }
    for root; do :; done
    mkdir -p "$root/boot" "$root/dev" "$root/tmp" "$root/etc"
    echo kernel >"$root/boot/vmlinuz"
    echo initrd >"$root/boot/initrd"
    echo "I: installing remaining packages inside the chroot..." >&2
  `,
};

describe("a machine that is not ready", () => {
  test("without the guest image, where none may be built: what to run, and nothing half-made", async () => {
    await using own = microvm({ home: directory });
    expect(await failure(Sandbox.create({ provider: own }))).toMatchObject({
      code: "image_missing",
      hint: expect.stringContaining("emberbox build"),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  test("without a template's image: how to build that one", async () => {
    await using own = microvm({ home: directory });
    expect(await failure(Sandbox.create("r", { provider: own }))).toMatchObject({
      code: "image_missing",
      hint: expect.stringContaining("emberbox build r"),
    });
  });

  test("without the guest image, in a program that does not want to build it", async () => {
    vi.stubEnv("EMBERBOX_BUILD", undefined);
    await using own = microvm({ home: directory, buildImages: false });
    expect(await failure(Sandbox.create({ provider: own }))).toMatchObject({
      code: "image_missing",
    });
    expect(await readdir(directory)).toEqual([]);
  });

  test("without the guest image: it is built, and the program is told how far it is", async () => {
    const bin = join(directory, "bin");
    await mkdir(bin);
    for (const [name, script] of Object.entries(builders))
      await writeFile(join(bin, name), script, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:${path}`);
    vi.stubEnv("EMBERBOX_BUILD", undefined);
    const onProgress = vi.fn<(step: string) => void>();
    await using own = microvm({ home: directory, accelerator: "tcg", onProgress });
    // What was built here does not boot.
    expect(await failure(Sandbox.create({ provider: own }))).toMatchObject({ code: "boot_failed" });
    expect(onProgress.mock.calls.map(([step]) => step)).toEqual(
      expect.arrayContaining(["image, 25 %: installing packages", "image, 100 %: done"]),
    );
    const made = (await readdir(join(directory, "images"))).filter((name) => name !== ".lock");
    expect(made).toEqual([expect.stringMatching(/^debian-13-/)]);
  });

  test("without QEMU: its package", async () => {
    // A machine that is like this one, but for QEMU.
    const without = ["--dev-bind", "/", "/", "--ro-bind", "/dev/null", findProgram(QEMU)!];
    const create = `
      import { Sandbox } from "@emberbox/core";
      import { microvm } from "@emberbox/microvm";
      const provider = microvm({ home: ${JSON.stringify(directory)} });
      await Sandbox.create({ provider }).catch(({ code, message, hint }) => console.log(code, message, hint));
    `;
    const args = [...without, "--", sourceNode, SOURCE, "-"];
    const said = execFileSync("bwrap", args, {
      input: create,
      encoding: "utf8",
      cwd: import.meta.dirname,
    });
    expect(said).toMatch(/^qemu_missing .*install .*qemu-system-x86$/m);
    expect(() => requireProgram("qemu-system-none")).toThrow(
      expect.objectContaining({ code: "qemu_missing" }),
    );
    expect(() => requireProgram("no-such-program")).toThrow(/no-such-program is not installed/);
  });

  test("an image whose files are gone or damaged: an error with the machine's last words, and nothing left behind", async () => {
    await using own = microvm({ home: directory, accelerator: "tcg" });
    const image = await findImage(paths().images, "default");
    const target = join(directory, "images", image!.directory.split("/").at(-1)!);
    await mkdir(target, { recursive: true });
    for (const name of await readdir(image!.directory))
      await writeFile(join(target, name), "not what it should be");
    const before = machinesOf().length;
    expect(await failure(Sandbox.create({ provider: own }))).toMatchObject({ code: "boot_failed" });
    expect(machinesOf()).toHaveLength(before);
    expect(
      (await readdir(join(directory, "templates"))).filter((name) => !name.endsWith(".lock")),
    ).toEqual([]);
  });

  test("a home that cannot be written: which, and why", async ({ skip }) => {
    needRoot(skip);
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs", directory]);
    try {
      await using own = microvm({ home: join(directory, "ours") });
      const { code, message } = await failure(Sandbox.create({ provider: own }));
      expect([code, message]).toEqual([
        "invalid_argument",
        `${join(directory, "ours")} is needed for sandboxes: ${directory} is on a read-only file system`,
      ]);
    } finally {
      execFileSync("umount", [directory]);
    }
  });

  test("without space: how much is needed and where, and nothing half-made", async ({ skip }) => {
    needRoot(skip);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", directory]);
    try {
      await symlink(paths().images, join(directory, "images"));
      await using own = microvm({ home: directory, accelerator: "tcg" });
      const error = await failure(Sandbox.create({ provider: own }));
      expect(error).toMatchObject({
        code: "host_disk_full",
        message: expect.stringMatching(/\d+ MiB/),
      });
      const left = await readdir(join(directory, "templates"));
      expect(left.filter((name) => !name.endsWith(".lock"))).toEqual([]);
    } finally {
      execFileSync("umount", [directory]);
    }
  });

  test("the accelerator is found by trying it, and the answer is remembered", async () => {
    const image = (await findImage(paths().images, "default"))!;
    const qemu = requireProgram(QEMU);
    const qemuStamp = await programStamp(qemu);
    const ask = (): Promise<AcceleratorChoice> =>
      chooseAccelerator({ home: directory, qemu, qemuStamp, image, jail: false });
    const first = await ask();
    expect(first.reason).not.toBe("");
    if (process.env["EMBERBOX_REQUIRE"]?.includes("kvm")) expect(first.accelerator).toBe("kvm");
    const started = performance.now();
    expect(await ask()).toEqual(first);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("options that cannot be honoured", () => {
  test("an unknown template: which there are", async () => {
    const error = await failure(createSandbox({ template: "nope" }));
    expect(error.message).toBe(
      "there is no template `nope`; the templates are: default, r, debian-12, debian-12-r, debian-13, debian-13-r",
    );
  });

  const cases: [string, Record<string, unknown>, string][] = [
    ["an unknown template", { template: "nope" }, "unknown_template"],
    ["too little memory", { memoryMB: 16 }, "invalid_argument"],
    ["too much memory", { memoryMB: 10_000_000 }, "invalid_argument"],
    ["half a processor", { cpuCount: 0.5 }, "invalid_argument"],
    ["a thousand processors", { cpuCount: 1000 }, "invalid_argument"],
    ["a disk smaller than the image", { diskMB: 100 }, "invalid_argument"],
    ["a lifetime of nothing", { timeoutMs: 0 }, "invalid_argument"],
    ["a lifetime longer than a timer", { timeoutMs: 2 ** 40 }, "invalid_argument"],
    ["a variable that is no name", { envs: { "a b": "1" } }, "invalid_argument"],
    ["a variable with NUL", { envs: { A: "\0" } }, "invalid_argument"],
    ["an option that does not exist", { colour: "green" }, "invalid_argument"],
  ];
  test.for(cases)("%s", async ([, options, code]) => {
    const before = machinesOf().length;
    expect(await failure(createSandbox(options))).toMatchObject({ code });
    expect(machinesOf()).toHaveLength(before);
  });

  test("an engine option that does not exist", () => {
    expect(() => microvm({ speed: "high" } as never)).toThrow(/speed/);
  });
});

describe("paths that are not acceptable", () => {
  const paths: [string, string][] = [
    ["nothing", ""],
    ["`..`", "/home/user/../../etc/passwd"],
    ["NUL", "/tmp/a\0b"],
    ["4 096 characters", `/tmp/${"a".repeat(4096)}`],
  ];
  test.for(paths)("%s", async ([, bad], { onTestFinished }) => {
    const sandbox = await createSandbox();
    onTestFinished(async () => void (await sandbox.kill()));
    for (const call of [
      sandbox.files.read(bad),
      sandbox.files.write(bad, "x"),
      sandbox.files.list(bad),
      sandbox.files.remove(bad),
    ]) {
      expect(await failure(call)).toMatchObject({ code: "invalid_path" });
    }
  });
});
