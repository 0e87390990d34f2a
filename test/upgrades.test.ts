// What happens to a program that goes on while the machine under it is changed.
import { execFile, execFileSync } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { chooseAccelerator } from "../packages/microvm/src/host/accelerator.ts";
import { HOST_ARCHITECTURE } from "../packages/microvm/src/host/architecture.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { programStamp, QEMU, requireProgram } from "../packages/microvm/src/host/programs.ts";
import { findImage } from "../packages/microvm/src/image/index.ts";
import { currentKeys, ensureTemplate } from "../packages/microvm/src/template/store.ts";
import { SOURCE, sourceNode } from "../scripts/source.ts";

const usual = paths();
const image = await findImage(usual.images, "default");
const installed = requireProgram(QEMU);
const shape = {
  architecture: HOST_ARCHITECTURE,
  accelerator: "tcg",
  memoryMB: 1024,
  cpuCount: 1,
} as const;

/** The directory of the template that other tests use. Homes are on the same disk, to have it by links. */
async function usualTemplate(): Promise<string> {
  const { templates } = usual;
  const wanted = { templates, image: image!, shape, qemu: installed, jail: true };
  return (await ensureTemplate(wanted)).directory;
}

/** A home with the image, and the path at which QEMU is searched for first. */
async function homeWithQemu(): Promise<{ home: string; qemu: string }> {
  const home = await mkdtemp(join(usual.home, "upgrades-"));
  onTestFinished(() => rm(home, { recursive: true }));
  await symlink(usual.images, join(home, "images"));
  const bin = join(home, "bin");
  await mkdir(bin);
  vi.stubEnv("PATH", `${bin}:${process.env["PATH"]}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  return { home, qemu: join(bin, QEMU) };
}

test("QEMU is replaced under a running program, and what it saved before cannot be loaded any more", async () => {
  const directory = await usualTemplate();
  const { home, qemu } = await homeWithQemu();
  const templates = join(home, "templates");
  await mkdir(templates, { mode: 0o700 });
  // It looks for its modules and firmware from where it is itself.
  for (const data of ["lib", "share"]) await symlink(join("/usr", data), join(home, data));
  /** Installs QEMU, with a template that was warmed by it. */
  const install = async (): Promise<string> => {
    await rm(qemu, { force: true });
    await copyFile(installed, qemu);
    const [key] = await currentKeys([{ templates, image: image!, shape, qemu }]);
    const template = join(templates, key!);
    execFileSync("cp", ["-al", directory, template]);
    return template;
  };

  const before = await install();
  const stamp = await programStamp(qemu);
  // The jail shows QEMU its own directories only, and these are not among them.
  await using provider = microvm({ home, jail: false, accelerator: "tcg" });
  await using first = await Sandbox.create({ provider });
  expect((await first.runCode("6 * 7")).text).toBe("42");

  await install();
  expect(await programStamp(qemu)).not.toBe(stamp);
  await unlink(join(before, "ram"));
  await writeFile(join(before, "ram"), "");
  await truncate(join(before, "ram"), 4096);
  await using second = await Sandbox.create({ provider });
  expect((await second.runCode("6 * 7")).text).toBe("42");
});

/** A home with the image, and with a QEMU that cannot run machines. */
async function brokenHome(): Promise<{ home: string; tries: string }> {
  const { home, qemu } = await homeWithQemu();
  const tries = join(home, "tries");
  const script = `#!/bin/sh
case "$1" in --version) echo "QEMU emulator version 7.2.0"; exit;; esac
echo again >> ${tries}
echo "this QEMU is broken" >&2
exit 1
`;
  await writeFile(qemu, script, { mode: 0o755 });
  return { home, tries };
}

test("a machine that does not start is tried three times, and no more", async () => {
  const { home, tries } = await brokenHome();
  await using provider = microvm({ home, jail: false, accelerator: "tcg" });
  await expect(Sandbox.create({ provider })).rejects.toMatchObject({
    code: "boot_failed",
    message: expect.stringContaining("this QEMU is broken") as unknown,
  });
  expect(await readFile(tries, "utf8")).toBe("again\n".repeat(3));
});

async function said(file: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(file, args);
  return stdout + stderr;
}

test("a program on a terminal says what its first sandbox waits for; elsewhere it says nothing", async () => {
  const { home } = await brokenHome();
  const program = join(home, "program.ts");
  await writeFile(
    program,
    `import { microvm } from "${join(import.meta.dirname, "../packages/microvm/src/index.ts")}";
await microvm({ home: "${home}", jail: false, accelerator: "tcg" }).create({}).catch(() => {});`,
  );
  const command = `${sourceNode} ${SOURCE} ${program}`;
  expect(await said("script", ["-qec", command, "/dev/null"])).toMatch(
    /^emberbox: booting the machine.*\r\nemberbox: the machine did not start .*trying again\r\n/,
  );
  expect(await said("sh", ["-c", command])).toBe("");
});

const home = await mkdtemp(join(usual.home, "upgrades-"));
afterAll(() => rm(home, { recursive: true }));
const choose = async (): ReturnType<typeof chooseAccelerator> =>
  chooseAccelerator({
    ...{ home, qemu: installed, image: image!, jail: false },
    qemuStamp: await programStamp(installed),
  });
const found = await choose();
const fails = found.reason.startsWith("KVM was tried and failed");

test.skipIf(!fails)(
  fails
    ? "KVM that has worked and fails now: sandboxes are emulated, and the user is told once"
    : `SKIPPED: KVM has to be there and to fail (${found.reason})`,
  async () => {
    await symlink(usual.images, join(home, "images"));
    const directory = await usualTemplate();
    await mkdir(join(home, "templates"), { mode: 0o700 });
    execFileSync("cp", ["-al", directory, join(home, "templates")]);
    const remembered = join(home, "accelerator.json");
    const past = { ...JSON.parse(await readFile(remembered, "utf8")), accelerator: "kvm" };
    await writeFile(remembered, JSON.stringify(past));
    expect((await choose()).accelerator).toBe("kvm");
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", listen);
    onTestFinished(() => void process.off("warning", listen));
    await using provider = microvm({ home, jail: false });
    const sandboxes = await Promise.all([1, 2].map(() => Sandbox.create({ provider })));
    for (const sandbox of sandboxes) expect((await sandbox.runCode("6 * 7")).text).toBe("42");
    expect(warnings).toEqual([
      expect.stringMatching(/^KVM failed, so sandboxes are emulated.*kvm/s),
    ]);
    expect(await choose()).toMatchObject({
      accelerator: "tcg",
      reason: expect.stringMatching(/^KVM was chosen and then failed: .*kvm/s) as unknown,
    });
    await using demanding = microvm({ home, jail: false, accelerator: "kvm" });
    await expect(Sandbox.create({ provider: demanding })).rejects.toMatchObject({
      code: "boot_failed",
      message: expect.stringMatching(/kvm/i) as unknown,
    });
    await promisify(execFile)(
      sourceNode,
      [SOURCE, "packages/emberbox/src/bin.ts", "doctor", "--retry"],
      { env: { ...process.env, EMBERBOX_HOME: home } },
    );
    expect(await choose()).toEqual(found);
  },
);
