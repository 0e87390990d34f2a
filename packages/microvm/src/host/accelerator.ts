import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { architectures, HOST_ARCHITECTURE } from "./architecture.ts";
import { parseJson } from "./json.ts";
import { patiently } from "./patience.ts";

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

/** What determines the choice. */
interface Host {
  readonly home: string;
  readonly qemu: string;
  readonly qemuStamp: string;
  readonly image: Bootable;
  /** QEMU runs in the jail; when we are root, as another account. */
  readonly jail: boolean;
}

const remembered = z.object({
  key: z.string(),
  accelerator: z.enum(["kvm", "tcg"]),
  reason: z.string(),
  /** When to try again, in ms since 1970. */
  until: z.number().optional(),
});
type Remembered = z.infer<typeof remembered>;

/**
 * KVM when it really runs a guest, else TCG. `/dev/kvm` may open and still never run an ordinary guest (nested or
 * paravirtual hosts), so the probe boots the guest's kernel, once per host kernel and QEMU, and remembers.
 */
export async function chooseAccelerator(host: Host): Promise<AcceleratorChoice> {
  const reason = await whyNoKvm(host.jail);
  if (reason !== undefined) return { accelerator: "tcg", reason };
  const key = await keyOf(host);
  const known = await recall(host.home);
  if (known?.key === key && (known.until ?? Infinity) > Date.now())
    return { accelerator: known.accelerator, reason: known.reason };
  const { until, ...choice } = await probe(host.qemu, host.image);
  await remember(host.home, { key, ...choice, until });
  return choice;
}

/** KVM was chosen and then failed: remembers TCG for this kernel and QEMU, until that is forgotten. */
export async function giveUpKvm(
  host: Pick<Host, "home" | "qemuStamp">,
  why: string,
): Promise<void> {
  const reason = `KVM was chosen and then failed: ${why}`;
  await remember(host.home, { key: await keyOf(host), accelerator: "tcg", reason });
}

/** The next choice tries KVM again. */
export const forgetAccelerator = (home: string): Promise<void> => rm(fileIn(home), { force: true });

/** Why QEMU may not open `/dev/kvm`, if so. */
export async function whyNoKvm(jail: boolean): Promise<string | undefined> {
  const device = await stat("/dev/kvm").catch(() => undefined);
  if (device === undefined) return "this machine has no /dev/kvm";
  const mayOpen = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!mayOpen) return "/dev/kvm may not be opened by this user";
  if (process.getuid?.() !== 0 || !jail) return undefined;
  // QEMU's account in the jail is in the device's group, unless that is root's.
  const groupMay = device.gid !== 0 && (device.mode & 0o060) === 0o060;
  const allMay = (device.mode & 0o006) === 0o006;
  return groupMay || allMay ? undefined : "/dev/kvm is root's alone, and QEMU does not run as root";
}

const fileIn = (home: string): string => join(home, "accelerator.json");

async function keyOf({ qemuStamp }: Pick<Host, "qemuStamp">): Promise<string> {
  return [release(), qemuStamp, await cpuModel()].join("|");
}

async function recall(home: string): Promise<Remembered | undefined> {
  return readFile(fileIn(home), "utf8").then(
    (text) => remembered.safeParse(parseJson(text)).data,
    () => undefined,
  );
}

async function remember(home: string, what: Remembered): Promise<void> {
  const file = fileIn(home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(what));
  await rename(`${file}.${process.pid}`, file);
}

async function cpuModel(): Promise<string> {
  return (
    /(?:model name|CPU part)\s*: (.*)/.exec(await readFile("/proc/cpuinfo", "utf8"))?.[1] ?? ""
  );
}

/** KVM that says nothing for this long runs no guest. */
const SILENCE_MS = 10_000;
/** A machine that was too busy, or still starting, may do better. */
const RETRY_MS = 24 * 60 * 60 * 1000;
const STARTED = "Run /init as init process";

/** Boots the guest's kernel under KVM until it starts its first program, for as long as it goes on saying something. */
async function probe(
  qemu: string,
  image: Bootable,
): Promise<AcceleratorChoice & { readonly until?: number | undefined }> {
  const { machine, console } = architectures[HOST_ARCHITECTURE];
  const args = [
    ...[
      "-nodefaults",
      "-no-user-config",
      "-nographic",
      "-no-reboot",
      "-machine",
      machine,
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
      `console=${console} panic=-1`,
      "-serial",
      "stdio",
    ],
  ];
  const child = spawn(qemu, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const said = new EventEmitter<{ more: [] }>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("latin1").on("data", (text: string) => {
      output = (output + text).slice(-16_384);
      said.emit("more");
    });
  }
  const ended = once(child, "close").then(
    () => `KVM was tried and failed: ${lastLine(output)}`,
    (error: Error) => `KVM could not be tried: ${error.message}`,
  );
  const silent = new Error("silent");
  try {
    while (!output.includes(STARTED)) {
      const news = Promise.race([once(said, "more"), ended]);
      const what = await patiently({ pid: child.pid ?? -1 }, SILENCE_MS, news, () => {
        throw silent;
      });
      if (typeof what === "string") return { accelerator: "tcg", reason: what };
    }
    return { accelerator: "kvm", reason: "KVM was tried and runs a guest" };
  } catch (error) {
    if (error !== silent) throw error;
    const reason = `KVM was tried, and its guest said nothing for ${SILENCE_MS / 1000} s`;
    return { accelerator: "tcg", reason, until: Date.now() + RETRY_MS };
  } finally {
    child.kill("SIGKILL");
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 200) || "QEMU ended without a word";
}
