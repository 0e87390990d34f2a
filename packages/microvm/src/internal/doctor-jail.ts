import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import { isArchitecture } from "../host/architecture.ts";
import { closeFd } from "../host/descriptors.ts";
import { namespaceBarrier, readSetting } from "../host/namespaces.ts";
import { requireOwnDirectory, requireWritable } from "../host/own-directory.ts";
import { packagesOf } from "../host/packages.ts";
import { findProgram } from "../host/programs.ts";
import { findCgroupParent } from "../machine/cgroup.ts";
import { JAIL_ID } from "../machine/jail.ts";
import { startProcess } from "../machine/process.ts";
import { readOnlyView } from "../machine/read-only.ts";
import type { Finding, HostFacts, Look } from "./finding.ts";

/** Checks of each layer between a sandbox and this machine, by name. */
export const looksAtJail: Readonly<Record<string, Look>> = {
  user: lookAtUser,
  places: lookAtDirectories,
  namespaces: lookAtNamespaces,
  jail: lookAtJail,
  "system calls": lookAtFilter,
  files: lookAtReadOnlyFiles,
  memory: lookAtMemory,
  limits: lookAtLimits,
};

function lookAtUser(): Finding {
  if (process.getuid?.() === 0)
    return {
      status: "ok",
      detail: `root, so QEMU runs as an account that owns nothing (${JAIL_ID})`,
    };
  const detail = `${userInfo().username}, so QEMU runs as this user; the jail has to keep it from this user's files`;
  return { status: "ok", detail };
}

function lookAtDirectories({ paths }: HostFacts): Finding {
  for (const path of Object.values(paths) as string[]) requireOwnDirectory(path);
  requireWritable(paths.home);
  return { status: "ok", detail: "nobody else can change what sandboxes are made from" };
}

/** Whether the jail has a filter for this architecture. The jail's own check is what loads it. */
function lookAtFilter(): Finding {
  if (isArchitecture(process.arch) && existsSync("/proc/sys/kernel/seccomp"))
    return { status: "ok", detail: "QEMU can make those calls to the kernel that it needs" };
  return {
    status: "warn",
    detail: `QEMU's own filter only: the jail has none for ${isArchitecture(process.arch) ? "this kernel, which has no seccomp" : process.arch}`,
    advice:
      "run sandboxes of others' code on x86-64 or arm64, on a kernel with CONFIG_SECCOMP_FILTER",
  };
}

async function lookAtReadOnlyFiles(): Promise<Finding> {
  try {
    const view = await readOnlyView();
    await closeFd(await view.open(process.execPath));
    return { status: "ok", detail: "for QEMU, the image and templates are on a read-only mount" };
  } catch (error) {
    return {
      status: "fail",
      detail: `there is no read-only mount for the image and templates: ${(error as Error).message}`,
      advice: "mend the jail, see above",
    };
  }
}

const KSM = "/sys/kernel/mm/ksm/run";

function lookAtMemory(): Finding {
  if (findProgram("prlimit") === undefined)
    return {
      status: "fail",
      detail: "prlimit, which keeps sandboxes' memory out of core dumps, is not installed",
      advice: packagesOf(["prlimit"]).line,
    };
  const merges = readSetting(KSM) === "1";
  const pattern = readSetting("/proc/sys/kernel/core_pattern") ?? "";
  const dumps = pattern.startsWith("|") ? "a program takes core dumps" : "core dumps are files";
  return {
    status: "ok",
    detail: `this kernel ${merges ? "merges" : "does not merge"} equal pages and ${dumps}: sandboxes' memory is in neither`,
  };
}

function lookAtNamespaces(): Finding {
  const barrier = namespaceBarrier();
  if (barrier === undefined)
    return { status: "ok", detail: "ordinary users may make user namespaces" };
  // A profile may still allow it: the jail's own check has the last word.
  return { status: "warn", ...barrier };
}

async function lookAtJail(): Promise<Finding> {
  const program = findProgram("bwrap");
  if (program === undefined)
    return {
      status: "fail",
      detail: "bwrap is not installed",
      advice: packagesOf(["bwrap"]).line,
    };
  const { child, ended } = await startProcess({
    qemu: findProgram("true") ?? "/usr/bin/true",
    args: [],
    files: {},
    jail: "reading",
    size: { accelerator: "tcg", memoryMB: 1024, diskMB: 1024, cpuCount: 1 },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), JAIL_MS);
  const [said, { exitCode }] = await Promise.all([text(child.stderr!), ended]);
  clearTimeout(timer);
  if (exitCode === 0)
    return {
      status: "ok",
      detail: "bubblewrap builds the jail, and a program runs in it",
    };
  return {
    status: "fail",
    detail: `bubblewrap does not build the jail: ${said.trim().split("\n")[0] || `it ended with ${exitCode}`}`,
    advice: "allow user namespaces, see above; in a container, see docs/containers.md",
  };
}

const JAIL_MS = 10_000;

function lookAtLimits(): Finding {
  const found = findCgroupParent();
  if (!("missing" in found)) {
    const controllers = found.controllers.filter((name) => CONTROLLERS.has(name));
    return {
      status: "ok",
      detail: `control groups in ${found.path} limit each sandbox's ${controllers.join(", ")}`,
    };
  }
  return {
    status: "warn",
    detail: `each sandbox's memory, processor time and disk traffic are not limited as a whole: ${found.missing}; limits on its address space, files and descriptors hold`,
    advice: found.advice,
  };
}

const CONTROLLERS: ReadonlySet<string> = new Set(["memory", "pids", "cpu", "io"]);
