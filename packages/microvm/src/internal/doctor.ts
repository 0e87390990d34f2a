import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { chooseAccelerator, forgetAccelerator, whyNoKvm } from "../host/accelerator.ts";
import { packagesOf } from "../host/packages.ts";
import { paths as pathsIn } from "../host/paths.ts";
import { HOST_ARCHITECTURE } from "../host/architecture.ts";
import { findProgram, programStamp, QEMU, qemuVersion } from "../host/programs.ts";
import { checkSpace, checkTools } from "../image/check.ts";
import { findImage, type GuestImage } from "../image/index.ts";
import { SCRATCH_PARENT } from "../image/scratch.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import { findTemplate } from "../template/store.ts";
import { looksAtJail } from "./doctor-jail.ts";
import type { Check, Finding, HostFacts, Look } from "./finding.ts";

/** Whether this machine can run sandboxes, check by check. */
export interface Diagnosis {
  /** No check failed. */
  readonly ok: boolean;
  /** Directory of images, templates and running sandboxes' files. */
  readonly home: string;
  /** All checks, in the order in which they were made. */
  readonly checks: readonly Check[];
}

/**
 * Looks at everything that a sandbox needs of this machine. Changes nothing, but remembers whether KVM works; `retry`
 * forgets that first.
 */
export async function diagnose({
  retry,
}: { readonly retry?: boolean | undefined } = {}): Promise<Diagnosis> {
  const paths = pathsIn();
  if (retry === true) await forgetAccelerator(paths.home);
  const facts: HostFacts = {
    paths,
    qemu: findProgram(QEMU),
    image: await findImage(paths.images, "default"),
  };
  const looks: Readonly<Record<string, Look>> = {
    qemu: lookAtQemu,
    accelerator: lookAtAccelerator,
    ...looksAtJail,
    "disk space": lookAtSpace,
    "build tools": lookAtBuildTools,
    image: lookAtImage,
    template: lookAtTemplate,
  };
  const checks: Check[] = [];
  for (const [id, look] of Object.entries(looks)) {
    try {
      checks.push({ id, ...(await look(facts)) });
    } catch (error) {
      checks.push({
        id,
        status: "fail",
        detail: firstLine(error),
        ...(EmberboxError.isInstance(error) && { advice: error.hint }),
      });
    }
  }
  return { ok: checks.every(({ status }) => status !== "fail"), home: paths.home, checks };
}

const OLDEST_QEMU = "7.2";

async function lookAtQemu({ qemu }: HostFacts): Promise<Finding> {
  const advice = packagesOf([QEMU, "qemu-img"]).line;
  if (qemu === undefined) return { status: "fail", detail: `${QEMU} is not installed`, advice };
  if (findProgram("qemu-img") === undefined)
    return { status: "fail", detail: "qemu-img is not installed", advice };
  const version = (await qemuVersion(qemu)).join(".");
  if (version.localeCompare(OLDEST_QEMU, "en", { numeric: true }) < 0) {
    return {
      status: "fail",
      detail: `${qemu} is version ${version}`,
      advice: `install QEMU ${OLDEST_QEMU} or newer`,
    };
  }
  return { status: "ok", detail: `version ${version}, ${qemu}` };
}

async function lookAtAccelerator({ paths, qemu, image }: HostFacts): Promise<Finding> {
  if (qemu === undefined) return { status: "warn", detail: "not decided: there is no QEMU" };
  if (existsSync("/dev/kvm") && image === undefined) {
    return {
      status: "warn",
      detail: "not decided: KVM is tried with the guest image's kernel, which is not there yet",
      advice: "emberbox build",
    };
  }
  // Without /dev/kvm, `chooseAccelerator` does not look at the image.
  const { accelerator, reason } = await chooseAccelerator({
    home: paths.home,
    qemu,
    qemuStamp: await programStamp(qemu),
    image: image as GuestImage,
    jail: true,
  });
  if (accelerator === "kvm") return { status: "ok", detail: `KVM: ${reason}` };
  const detail = `software emulation (TCG), several times slower than KVM: ${reason}`;
  const barred = existsSync("/dev/kvm") && (await whyNoKvm(true)) !== undefined;
  const advice =
    process.getuid?.() === 0
      ? "chgrp kvm /dev/kvm && chmod 660 /dev/kvm"
      : `sudo usermod -aG kvm ${userInfo().username}, then log in again`;
  return barred ? { status: "warn", detail, advice } : { status: "ok", detail };
}

const GIB = 1024 ** 3;
/** A template holds its machine's memory and a disk; sandboxes hold what they write. */
const COMFORTABLE = 2 * GIB;

async function lookAtSpace({ paths, image }: HostFacts): Promise<Finding> {
  const there = firstExisting(paths.home);
  if (image === undefined) await checkSpace(SCRATCH_PARENT, there);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const detail = `${(free / GIB).toFixed(1)} GiB are free for ${paths.home}`;
  if (free >= COMFORTABLE) return { status: "ok", detail };
  return {
    status: "warn",
    detail,
    advice: "free some space, or point EMBERBOX_HOME at another disk",
  };
}

function firstExisting(path: string): string {
  return existsSync(path) ? path : firstExisting(dirname(path));
}

async function lookAtBuildTools({ image }: HostFacts): Promise<Finding> {
  try {
    await checkTools();
    return { status: "ok", detail: "everything that builds an image is installed" };
  } catch (error) {
    if (!EmberboxError.isInstance(error) || image === undefined) throw error;
    return {
      status: "warn",
      detail: `the image is there, but could not be built again: ${firstLine(error)}`,
      advice: error.hint,
    };
  }
}

function lookAtImage({ paths, image }: HostFacts): Finding {
  if (image !== undefined) return { status: "ok", detail: image.directory };
  return {
    status: "fail",
    detail: `there is none of this version in ${paths.images}`,
    advice: "emberbox build",
  };
}

async function lookAtTemplate({ paths, qemu, image }: HostFacts): Promise<Finding> {
  if (qemu === undefined || image === undefined)
    return { status: "warn", detail: "none: it is made from the image, by QEMU" };
  const { accelerator } = await chooseAccelerator({
    home: paths.home,
    qemu,
    qemuStamp: await programStamp(qemu),
    image,
    jail: true,
  });
  const { memoryMB, cpuCount } = resolveCreateOptions({});
  const template = await findTemplate({
    templates: paths.templates,
    image,
    shape: { architecture: HOST_ARCHITECTURE, accelerator, memoryMB, cpuCount },
    qemu,
  });
  if (template !== undefined) return { status: "ok", detail: template.directory };
  return {
    status: "warn",
    detail: "none for the default shape: the first sandbox will wait while one is warmed",
    advice: "emberbox build",
  };
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
