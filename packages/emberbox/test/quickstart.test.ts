import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packagesOf } from "../../microvm/src/host/packages.ts";
import { findProgram, QEMU } from "../../microvm/src/host/programs.ts";

const launcher = join(import.meta.dirname, "../bin/emberbox.mjs");
const { line } = packagesOf([QEMU]);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "emberbox-test-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a command on a machine that is like this one, but has no QEMU, and whose package managers only take notes. */
function onPoorMachine(
  words: readonly string[],
  input = "",
): { code: number | null; said: string; installed: string } {
  const notes = join(directory, "notes");
  const manager = join(directory, "manager");
  writeFileSync(manager, `#!/bin/sh\necho "$(basename $0) $*" >> ${notes}\nexit 1\n`);
  chmodSync(manager, 0o755);
  const managers = ["apt-get", "dpkg"].flatMap((name) => {
    const path = findProgram(name);
    return path === undefined ? [] : ["--bind", manager, path];
  });
  const without = ["--dev-bind", "/", "/", "--ro-bind", "/dev/null", findProgram(QEMU)!];
  const { status, stdout, stderr } = spawnSync("bwrap", [...without, ...managers, "--", ...words], {
    input,
    encoding: "utf8",
    cwd: directory,
  });
  const installed = existsSync(notes) ? readFileSync(notes, "utf8") : "";
  return { code: status, said: `${stdout}${stderr}`, installed };
}

const quickstart = [process.execPath, launcher, "quickstart"];

test("where nobody can be asked, it prints the line that installs what is missing", () => {
  const { code, said, installed } = onPoorMachine(quickstart);
  expect({ code, installed }).toEqual({ code: 1, installed: "" });
  expect(said).toMatch(/^emberbox: these packages are missing: qemu-system-x86\n/);
  expect(said).toContain(`\n    ${line}\n`);
  expect(existsSync(join(directory, "first.ts"))).toBe(false);
});

test("--yes installs without asking, mends what it can, and says what to do when that fails", () => {
  const { code, said, installed } = onPoorMachine([...quickstart, "--yes"]);
  expect(code).toBe(1);
  const commands = installed.split("\n").map((each) => each.replace(/-o \S+ /g, ""));
  const install = "apt-get --yes install --no-install-recommends qemu-system-x86";
  expect(commands).toEqual([install, "dpkg --configure -a", "apt-get --yes update", install, ""]);
  expect(said).toContain(`\n    ${line}\n`);
});

test.skipIf(!existsSync("/usr/bin/script"))(
  "on a terminal it asks once, and takes no for an answer",
  () => {
    const words = ["script", "-qec", quickstart.join(" "), "/dev/null"];
    const { code, said, installed } = onPoorMachine(words, "n\n");
    expect({ code, installed }).toEqual({ code: 1, installed: "" });
    expect(said.match(/Install them now\?/g)).toHaveLength(1);
    expect(said).toContain(line);
  },
);
