import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox } from "@emberbox/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machinesOf } from "./support/processes.ts";
import { createSandbox, python } from "./support/sandboxes.ts";

process.env["EMBERBOX_TEST_SECRET"] = "only-on-the-host";
let sandbox: Sandbox;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "emberbox-host-"));
  writeFileSync(join(directory, "secret"), "only-on-the-host");
  sandbox = await createSandbox();
  return () => sandbox.kill();
});

afterAll(() => rm(directory, { recursive: true }));

describe("from inside the sandbox", () => {
  test("no file of the host is there", async () => {
    const found = await sandbox.commands.run(`sudo cat ${directory}/secret; sudo ls ${directory}`, {
      user: "root",
    });
    expect(found.exitCode).not.toBe(0);
    expect(found.stdout).toBe("");
  });

  test("a link of the user's does not lead the files API further than the user", async () => {
    const { files } = sandbox;
    await sandbox.commands.run(
      "ln -s /etc/shadow shadow; ln -s /root roots; ln -s /etc/passwd accounts; ln -s /etc/none none; mkdir -p mine; ln -s mine also",
    );
    const denied = { code: "permission_denied" };
    await expect(files.read("shadow")).rejects.toMatchObject(denied);
    await expect(files.write("shadow", "")).rejects.toMatchObject(denied);
    await expect(files.write("accounts", "")).rejects.toMatchObject(denied);
    await expect(files.write("none", "")).rejects.toMatchObject(denied);
    await expect(files.list("roots")).rejects.toMatchObject(denied);
    await expect(files.write("roots/x", "")).rejects.toMatchObject(denied);
    await expect(files.makeDir("roots/x/y")).rejects.toMatchObject(denied);
    await expect(files.remove("roots/.bashrc")).rejects.toMatchObject(denied);
    await expect(files.rename("accounts", "roots/x")).rejects.toMatchObject(denied);
    const watching = files.watchDir("roots", () => {});
    await expect(watching).rejects.toMatchObject(denied);
    // It goes as far as the user, root goes further, and a path that is no link is the caller's word.
    expect(await files.read("accounts")).toContain("root:x:0:0");
    await files.write("also/note", "fine");
    expect(await files.read("mine/note")).toBe("fine");
    expect((await files.list("also")).map(({ name }) => name)).toEqual(["note"]);
    expect(await files.read("/home/user/shadow", { user: "root" })).toContain("root:");
    await files.write("/opt/of-the-caller", "fine");
    expect(await files.read("/opt/of-the-caller")).toBe("fine");
    await files.remove("shadow");
    expect((await sandbox.commands.run("sudo test -s /etc/shadow && ls shadow")).stdout).toBe("");
  });

  test("no environment variable of the host is there", async () => {
    const everything = await sandbox.commands.run(
      'sudo sh -c \'cat /proc/*/environ /proc/cmdline | tr "\\0" "\\n"\'',
    );
    expect(everything.stdout).toContain("console=ttyS0");
    expect(everything.stdout).not.toContain("only-on-the-host");
  });

  test("no network card is there", async () => {
    expect((await sandbox.commands.run("ls /sys/class/net")).stdout.trim()).toBe("lo");
    const out = await sandbox.commands.run("curl -sS http://169.254.169.254/");
    expect(out.exitCode).not.toBe(0);
  });

  test("no device but the machine's own is there", async () => {
    const disks = (await sandbox.commands.run("ls /sys/block | grep -v -e loop -e ram")).stdout
      .trim()
      .split("\n");
    // The second one is the channel's, the third is for folders of the host's, and has nothing on it here.
    expect(disks).toEqual(["vda", "vdb", "vdc"]);
    const serial = await sandbox.commands.run("cat /sys/block/vdb/serial /sys/block/vdb/size");
    expect(serial.stdout.trim()).toMatch(/^emberbox-bulk\s*16384$/);
    const folders = await sandbox.commands.run(
      "cat /sys/block/vdc/serial /sys/block/vdc/ro; sudo head -c 1000000 /dev/vdc | tr -d '\\0' | wc -c",
    );
    expect(folders.stdout.trim()).toMatch(/^emberbox-folders\s*1\s*0$/);
    const buses = (await sandbox.commands.run("cat /sys/bus/virtio/devices/*/device")).stdout
      .trim()
      .split("\n")
      .toSorted();
    // virtio's numbers: 2 is a disk, 3 a console.
    expect(buses).toEqual(["0x0002", "0x0002", "0x0002", "0x0003"]);
  });

  test("code runs as an ordinary user, and may become root of its own machine", async () => {
    expect(
      (await python(sandbox, "import os; print(os.getuid(), os.path.expanduser('~'))")).trim(),
    ).toBe("1000 /home/user");
    expect((await sandbox.commands.run("sudo id -u")).stdout.trim()).toBe("0");
  });

  test("the sandbox's clones do not see each other's files", async () => {
    await sandbox.files.write("/home/user/mine.txt", "mine");
    await using other = await createSandbox();
    expect(await other.files.exists("/home/user/mine.txt")).toBe(false);
  });
});

/** A line of a process's status, as the kernel tells it. */
function status(pid: number, key: string): string {
  return new RegExp(`^${key}:\\s+(.*)$`, "m").exec(
    readFileSync(`/proc/${pid}/status`, "utf8"),
  )![1]!;
}

describe("the QEMU process", () => {
  let pid: number;
  beforeAll(() => {
    pid = machinesOf()[0]!.pid;
  });

  test("is not root, has no capabilities and can gain none", () => {
    expect(status(pid, "Uid").split("\t").map(Number)).not.toContain(0);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
      expect(Number.parseInt(status(pid, set), 16)).toBe(0);
    expect(status(pid, "NoNewPrivs")).toBe("1");
  });

  test("runs under a seccomp filter", () => {
    expect(status(pid, "Seccomp")).toBe("2");
  });

  test("has namespaces of its own", () => {
    for (const namespace of ["user", "mnt", "pid", "ipc", "net", "uts", "cgroup"]) {
      expect(readlinkSync(`/proc/${pid}/ns/${namespace}`)).not.toBe(
        readlinkSync(`/proc/self/ns/${namespace}`),
      );
    }
  });

  test("has no network but a loopback that is down", () => {
    const interfaces = readFileSync(`/proc/${pid}/net/dev`, "utf8").trim().split("\n").slice(2);
    expect(interfaces.map((line) => line.trim().split(":")[0])).toEqual(["lo"]);
    expect(readFileSync(`/proc/${pid}/net/route`, "utf8").trim().split("\n")).toHaveLength(1);
  });

  test("sees only its own program, read only", () => {
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    for (const [, , , , place, options] of mounts) {
      if (/^\/(proc|dev)(\/|$)/.test(place!)) continue;
      expect(options!.split(","), place).toContain("ro");
      expect(place).toMatch(
        /^\/($|usr\/(bin\/qemu|lib|share\/(qemu|seabios))|lib|etc\/ld\.so\.cache)/,
      );
    }
  });

  test("inherits nothing of the host's environment and no descriptor but its own", () => {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment).not.toContain("only-on-the-host");
    expect(environment.split("\0").filter((entry) => entry && !entry.startsWith("PWD="))).toEqual(
      [],
    );
  });
});
