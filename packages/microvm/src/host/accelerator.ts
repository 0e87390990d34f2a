import { spawn } from "node:child_process";
import { access, constants, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "./json.ts";

export type Accelerator = "kvm" | "tcg";

/** What is booted to find out whether KVM runs a guest: paths. */
interface Bootable {
  readonly kernel: string;
  readonly initrd: string;
}

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** How it was decided, in words. */
  readonly reason: string;
}

const PROBE_MS = 10_000;
const rememberedSchema = z.object({
  key: z.string(),
  accelerator: z.enum(["kvm", "tcg"]),
  reason: z.string(),
});

/**
 * KVM when it really runs a guest, else TCG. `/dev/kvm` may open and still never run an ordinary guest (nested or
 * paravirtual hosts), so the probe boots the guest's kernel, once per host kernel and QEMU, and remembers.
 */
export async function chooseAccelerator(options: {
  readonly home: string;
  readonly qemu: string;
  readonly qemuStamp: string;
  readonly image: Bootable;
}): Promise<AcceleratorChoice> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    return {
      accelerator: "tcg",
      reason: absent ? "this machine has no /dev/kvm" : "/dev/kvm may not be opened by this user",
    };
  }
  // The jail runs QEMU as another account when we are root; that account cannot open /dev/kvm by name.
  const key = [release(), options.qemuStamp, await cpuModel()].join("|");
  const file = join(options.home, "accelerator.json");
  const known = await readFile(file, "utf8").then(
    (text) => rememberedSchema.safeParse(parseJson(text)).data,
    () => undefined,
  );
  if (known?.key === key) return { accelerator: known.accelerator, reason: known.reason };
  const choice = await probe(options.qemu, options.image);
  await mkdir(options.home, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.${process.pid}`, JSON.stringify({ key, ...choice }));
  await rename(`${file}.${process.pid}`, file);
  return choice;
}

async function cpuModel(): Promise<string> {
  return /model name\s*: (.*)/.exec(await readFile("/proc/cpuinfo", "utf8"))?.[1] ?? "";
}

/** Boots the guest's kernel under KVM until it starts its first program. */
function probe(qemu: string, image: Bootable): Promise<AcceleratorChoice> {
  const args = [
    ...[
      "-nodefaults",
      "-no-user-config",
      "-nographic",
      "-no-reboot",
      "-machine",
      "q35",
      "-accel",
      "kvm",
      "-cpu",
      "host",
      "-m",
      "256M",
    ],
    ...[
      "-kernel",
      image.kernel,
      "-initrd",
      image.initrd,
      "-append",
      "console=ttyS0 panic=-1",
      "-serial",
      "stdio",
    ],
  ];
  return new Promise((resolve) => {
    const child = spawn(qemu, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const finish = (accelerator: Accelerator, reason: string): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      resolve({ accelerator, reason });
    };
    const timer = setTimeout(
      () => finish("tcg", `KVM was tried and ran no guest within ${PROBE_MS / 1000} s`),
      PROBE_MS,
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("latin1").on("data", (text: string) => {
        output = (output + text).slice(-16_384);
        if (output.includes("Run /init as init process"))
          finish("kvm", "KVM was tried and runs a guest");
      });
    }
    child.on("error", (error) => finish("tcg", `KVM could not be tried: ${error.message}`));
    child.on("exit", () => finish("tcg", `KVM was tried and failed: ${lastLine(output)}`));
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 200) || "QEMU ended without a word";
}
