import { existsSync, readFileSync } from "node:fs";

/** Kernel settings that keep the jail from being built, and how to change each. */
const settings = [
  {
    path: "/proc/sys/user/max_user_namespaces",
    bad: "0",
    advice: "sudo sysctl user.max_user_namespaces=15000",
  },
  {
    path: "/proc/sys/kernel/unprivileged_userns_clone",
    bad: "0",
    advice: "sudo sysctl kernel.unprivileged_userns_clone=1",
  },
  {
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    bad: "1",
    advice:
      "give /usr/bin/bwrap an AppArmor profile (docs/platforms.md has one), or sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
  },
];

export interface NamespaceBarrier {
  readonly detail: string;
  readonly advice: string;
}

/** The kernel's setting that forbids user namespaces, if one does. */
export function namespaceBarrier(): NamespaceBarrier | undefined {
  const found = settings.find(({ path, bad }) => readSetting(path) === bad);
  return found && { detail: `${found.path} is ${found.bad}`, advice: found.advice };
}

/** What to do where bubblewrap does not build the jail. */
export function jailAdvice(): string {
  const barrier = namespaceBarrier();
  if (barrier !== undefined) return `${barrier.detail}: ${barrier.advice}`;
  return "In a container, the jail needs more than a container's usual rights: see docs/containers.md. Elsewhere, `emberbox doctor` checks each of its parts.";
}

/** A file of the kernel's, or undefined where it has none. */
export function readSetting(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}
