import { execFile } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { EmberboxError, type SandboxConnection } from "@emberbox/core";
import { channelDispatcher } from "../dispatcher.ts";
import { openEngine } from "../engine.ts";
import { machineArguments } from "../machine/arguments.ts";
import { letJailWrite, openFiles } from "../machine/files.ts";
import { connectGuest } from "../machine/guest.ts";
import { machineError, startMachine } from "../machine/machine.ts";
import { resolveCreateOptions } from "../options.ts";
import { requireProgram } from "../qemu.ts";
import type { Template } from "./template.ts";

/** A machine that was booted, not restored: what a sandbox would be without its snapshot. For comparison only. */
export async function coldBoot(): Promise<SandboxConnection & AsyncDisposable> {
  const { template, qemu, home } = await defaultTemplate();
  const directory = await mkdtemp(join(home, "cold-boot-"));
  try {
    const files = { ram: join(directory, "ram"), template: join(directory, "disk.qcow2") };
    await writeDisk(files.template, template.image.rootfs);
    await writeFile(files.ram, "");
    letJailWrite(files.ram);
    await truncate(files.ram, template.shape.memoryMB * 1024 * 1024);
    const { kernel, rootfs } = template.image;
    const machine = startMachine({
      qemu,
      args: machineArguments(template.shape, "template", template),
      files: openFiles({ ...files, kernel, initrd: template.initrd, image: rootfs }, [
        "ram",
        "template",
      ]),
      jail: true,
      accelerator: template.shape.accelerator,
    });
    const guest = connectGuest(machine, () => {});
    const ended = machine.ended.then((end) =>
      Promise.reject(
        machineError("boot_failed", "the virtual machine ended while it started", end),
      ),
    );
    ended.catch(() => {});
    try {
      await Promise.race([
        guest.hello({ sandboxId: "coldboot", accessToken: undefined, envs: {}, growDisk: false }),
        ended,
      ]);
    } catch (error) {
      await machine.kill();
      throw error;
    }
    const dispatcher = channelDispatcher(guest);
    return {
      sandboxId: "coldboot",
      endpoint: (port) => ({ origin: `http://sandbox:${port}`, headers: {}, dispatcher }),
      gone: () => undefined,
      async [Symbol.asyncDispose]() {
        await machine.kill();
        await dispatcher.destroy(new EmberboxError("sandbox_closed", "the machine was closed"));
      },
    };
  } finally {
    // QEMU has its files open; without a name they are gone when it is.
    await rm(directory, { recursive: true, force: true });
  }
}

/** What benchmarks say of where they ran; warms the default template when it is not there. */
export async function describeEngine(
  onProgress: (step: string) => void,
): Promise<{ qemu: string; accelerator: "kvm" | "tcg" }> {
  const engine = await openEngine({ onProgress });
  await engine.template(resolveCreateOptions({}));
  return { qemu: engine.qemu, accelerator: engine.accelerator.accelerator };
}

async function defaultTemplate(): Promise<{ template: Template; qemu: string; home: string }> {
  const engine = await openEngine({});
  return {
    template: await engine.template(resolveCreateOptions({})),
    qemu: engine.qemu,
    home: engine.paths.home,
  };
}

async function writeDisk(path: string, backing: string): Promise<void> {
  await promisify(execFile)(requireProgram("qemu-img"), [
    "create",
    "-q",
    "-f",
    "qcow2",
    "-b",
    backing,
    "-F",
    "raw",
    path,
  ]);
}
