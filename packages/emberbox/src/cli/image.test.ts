import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { imageKey } from "@emberbox/microvm/internal";
import { writeWhole } from "./whole-file.ts";

const launcher = join(import.meta.dirname, "../../bin/emberbox.mjs");
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "emberbox-test-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** What is there beside the lock. */
const images = async (): Promise<string[]> =>
  (await readdir(join(directory, "images")).catch(() => [])).filter((name) => name !== ".lock");

/** An import that has begun to unpack, and gets no more. */
async function begun(): Promise<ChildProcess> {
  const env = { ...process.env, EMBERBOX_HOME: directory };
  const child = spawn("node", [launcher, "image", "import", "-"], {
    env,
    stdio: ["pipe", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const sizes = { kernel: 1000, initrd: 1000, rootfs: 4 * 1024 ** 3 };
  const members = Object.entries(sizes).map(([name, bytes]) => ({
    name,
    bytes,
    sha256: "0".repeat(64),
  }));
  const manifest = JSON.stringify({ key: await imageKey(), parts: {}, members });
  child.stdin.write(`emberbox image 1\n${manifest}\nunsigned\n`);
  const before = await images();
  const isNew = (name: string): boolean => name.startsWith(".building-") && !before.includes(name);
  const poll = expect.poll(async () => (await images()).map(isNew), { timeout: 20_000 });
  await poll.toEqual([true]);
  return child;
}

describe("an import that is ended while it waits for more", () => {
  test("by Ctrl-C leaves nothing", async () => {
    const child = await begun();
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(await images()).toEqual([]);
  });

  test("by kill -9 leaves nothing that looks finished, and the next one removes it", async () => {
    (await begun()).kill("SIGKILL");
    const next = await begun();
    next.kill("SIGTERM");
    expect(await once(next, "exit")).toEqual([143, null]);
    expect(await images()).toEqual([]);
  });
});

const path = (): string => join(directory, "file");
const text = (): Promise<string> => readFile(path(), "utf8");
const write =
  (...texts: string[]) =>
  async (piece: (bytes: Buffer) => Promise<void>): Promise<void> => {
    for (const each of texts) await piece(Buffer.from(each));
  };

describe("a file that is written as a whole", () => {
  test("is there once it is complete, and replaces an older one", async () => {
    await writeWhole(path(), async (piece) => {
      await write("one, ", "two")(piece);
      expect(await readdir(directory)).toEqual(["file.partial"]);
    });
    expect(await text()).toBe("one, two");
    await writeWhole(path(), write("three"));
    expect(await text()).toBe("three");
    expect(await readdir(directory)).toEqual(["file"]);
  });

  test("is left as it was by a failure", async () => {
    await writeFile(path(), "old");
    const failing = writeWhole(path(), async (piece) => {
      await piece(Buffer.from("half"));
      throw new Error("enough");
    });
    await expect(failing).rejects.toThrow("enough");
    expect(await text()).toBe("old");
    expect(await readdir(directory)).toEqual(["file"]);
  });

  test("takes the place of what a killed program left, and goes through no link", async () => {
    const other = join(directory, "other");
    await writeFile(other, "precious");
    await symlink(other, `${path()}.partial`);
    await writeWhole(path(), write("new"));
    expect(await text()).toBe("new");
    expect(await readFile(other, "utf8")).toBe("precious");
    await symlink(other, join(directory, "link"));
    await expect(writeWhole(join(directory, "link"), write("new"))).rejects.toThrow("not a file");
  });

  test("by two programs is not mixed up", async () => {
    const first = writeWhole(path(), async (piece) => {
      await writeWhole(path(), write("second"));
      await piece(Buffer.from("first"));
    });
    await expect(first).rejects.toThrow();
    expect(await text()).toBe("second");
  });

  test("says that there is no space, or no such directory", async () => {
    const full = Object.assign(new Error("full"), { code: "ENOSPC" });
    const failing = writeWhole(path(), () => Promise.reject(full));
    await expect(failing).rejects.toMatchObject({ code: "host_disk_full" });
    const nowhere = writeWhole(join(directory, "no/such/file"), write("text"));
    await expect(nowhere).rejects.toThrow(/no\/such\/file cannot be written/);
  });
});
