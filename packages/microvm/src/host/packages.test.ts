import { expect, test } from "vitest";
import { neededThings, packageManagerOf, packagesOf } from "./packages.ts";

test.each([
  ["apt", 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n'],
  ["apt", "ID=ubuntu\nID_LIKE=debian\n"],
  ["apt", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'],
  ["dnf", "NAME=Fedora\nID=fedora\n"],
  ["dnf", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'],
  ["pacman", "ID=arch\n"],
  [undefined, "VERSION_ID=debian\nID=alpine\n"],
  [undefined, ""],
] as const)("%s installs packages on %j", (manager, osRelease) => {
  expect(packageManagerOf(osRelease)).toBe(manager);
});

test("every package manager has a name for everything", () => {
  for (const row of neededThings())
    for (const manager of ["apt", "dnf", "pacman"] as const)
      expect(row[manager], row.sign).toMatch(/^[a-z0-9-]+$/);
});

test("a package is named once, whatever it is needed for", () => {
  const { names, line } = packagesOf(["prlimit", "flock", "qemu-img"]);
  expect(names).toHaveLength(2);
  expect(line).toMatch(new RegExp(` ${names.join(" ")}$`));
});
