import { chownSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { native } from "./native.ts";

/** As `linux/mount.h` has them. */
export const MountFlags = { readOnly: 1, noSuid: 2, noDevices: 4, bind: 4096 } as const;

const USER = 1000;
const HOME = "/home/user/";

type Mount = (
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string | null,
) => number;
let call: Mount | undefined;

/** @throws with the number of the kernel's error */
export function mountAt(
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string | null,
): void {
  call ??= native()
    .load(null)
    .func(
      "int mount(const char *, const char *, const char *, unsigned long, const char *)",
    ) as Mount;
  if (call(source, target, type, flags, data) !== 0)
    throw new Error(`${target} cannot be mounted (${native().errno()})`);
}

/** @throws with the number of the kernel's error */
export function unmountAt(target: string): void {
  const unmount = native().load(null).func("int umount(const char *)") as (at: string) => number;
  if (unmount(target) !== 0) throw new Error(`${target} cannot be unmounted (${native().errno()})`);
}

/** Makes the directory that something is to be mounted at; what is made in the user's home for that is the user's. */
export function makeMountPoint(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined || !path.startsWith(HOME)) return;
  for (let each = path; each.length >= first.length; each = dirname(each))
    chownSync(each, USER, USER);
}
