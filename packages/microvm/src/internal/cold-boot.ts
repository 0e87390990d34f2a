import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentFile } from "@emberbox/guest";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { machineArguments } from "../machine/arguments.ts";
import { withEmptyDevices } from "../machine/devices.ts";
import { openFiles } from "../machine/files.ts";
import { machineError, startMachine } from "../machine/machine.ts";
import { readOnlyView } from "../machine/read-only.ts";
import { openEngine } from "../provider/engine.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import { createBlank } from "../template/blank.ts";
import { writeInitrd } from "../template/initrd.ts";
import type { Template } from "../template/template.ts";

const DONE = "emberbox-cold-boot-done";
const POLL_MS = 10;

const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
exec python3 /run/emberbox/code.py >/dev/console 2>&1
`;

/**
 * Boots the guest image without a snapshot and without the agent, and runs Python code in it: what a sandbox would
 * be if machines were simply started. Resolves to the milliseconds from QEMU's start to the end of the code.
 */
export async function coldBoot(code: string): Promise<number> {
  const engine = openEngine({});
  const template = await engine.template(resolveCreateOptions({}));
  const directory = await mkdtemp(join(engine.paths.home, "cold-boot-"));
  try {
    const paths = await writeFiles(directory, template, code);
    const opened = await openFiles(paths, ["ram", "template"], await readOnlyView());
    const started = performance.now();
    const machine = await startMachine({
      qemu: engine.qemu,
      args: machineArguments(template.shape, "template", template),
      files: await withEmptyDevices(opened, directory),
      jail: "writing",
      size: { ...template.shape, diskMB: IMAGE_DISK_MB },
    });
    const ended = machine.ended.then((end) =>
      Promise.reject(
        machineError("boot_failed", "the virtual machine ended while it started", end),
      ),
    );
    ended.catch(() => {});
    try {
      while (!machine.console.tail().includes(DONE)) await Promise.race([sleep(POLL_MS), ended]);
      return performance.now() - started;
    } finally {
      await machine.kill();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeFiles(
  directory: string,
  template: Template,
  code: string,
): Promise<Record<"ram" | "kernel" | "initrd" | "image" | "template", string>> {
  const { image, shape } = template;
  const paths = {
    ram: join(directory, "ram"),
    initrd: join(directory, "initrd"),
    template: join(directory, "disk.qcow2"),
    kernel: image.kernel,
    image: image.rootfs,
  };
  const files: AgentFile[] = [
    { target: "init", content: Buffer.from(INIT), executable: true },
    {
      target: "code.py",
      content: Buffer.from(`${code}\nprint("${DONE}", flush=True)\n`),
      executable: false,
    },
  ];
  await writeInitrd({ base: image.initrd, files, nodeFlags: [], target: paths.initrd });
  await createBlank({
    ram: paths.ram,
    disk: paths.template,
    memoryMB: shape.memoryMB,
    rootfs: image.rootfs,
  });
  return paths;
}

/** What benchmarks say about where they ran; warms the default template if it is missing. */
export async function describeEngine(
  onProgress: (step: string) => void,
): Promise<{ qemu: string; accelerator: "kvm" | "tcg" }> {
  const engine = openEngine({ onProgress });
  const { shape } = await engine.template(resolveCreateOptions({}));
  return { qemu: engine.qemu, accelerator: shape.accelerator };
}
