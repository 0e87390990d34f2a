// What happens to a program that goes on while the machine under it is changed.
import { execFileSync } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { expect, onTestFinished, test, vi } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { programStamp, QEMU, requireProgram } from "../packages/microvm/src/host/programs.ts";
import { findImage } from "../packages/microvm/src/image/index.ts";
import { currentKey, ensureTemplate } from "../packages/microvm/src/template/store.ts";

test("QEMU is replaced under a running program, and what it saved before cannot be loaded any more", async () => {
  const usual = paths();
  const image = (await findImage(usual.images, "default"))!;
  const shape = { accelerator: "tcg", memoryMB: 1024, cpuCount: 1 } as const;
  const installed = requireProgram(QEMU);
  const { directory } = await ensureTemplate({
    ...{ templates: usual.templates, image, shape, qemu: installed, jail: true },
  });
  // On the same disk, so that the template can be there by links.
  const home = await mkdtemp(join(usual.home, "upgrades-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const templates = join(home, "templates");
  const qemu = join(home, "bin", QEMU);
  await mkdir(join(home, "bin"));
  await mkdir(templates, { mode: 0o700 });
  // It looks for its modules and firmware from where it is itself.
  for (const data of ["lib", "share"]) await symlink(join("/usr", data), join(home, data));
  await symlink(usual.images, join(home, "images"));
  vi.stubEnv("PATH", `${join(home, "bin")}:${process.env["PATH"]}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  /** Installs QEMU, with a template that was warmed by it. */
  const install = async (): Promise<string> => {
    await rm(qemu, { force: true });
    await copyFile(installed, qemu);
    const template = join(templates, await currentKey({ templates, image, shape, qemu }));
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
