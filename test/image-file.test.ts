// The image that sandboxes run from, taken to another home as it would be to another machine.
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { findImage, type GuestImage } from "../packages/microvm/src/image/index.ts";

const run = promisify(execFile);
const launcher = join(import.meta.dirname, "../packages/emberbox/bin/emberbox.mjs");
const MIB = 1024 * 1024;
let home: string;
let image: GuestImage;

beforeAll(async () => {
  // Beside the usual home, since a disk of its own for temporary files may be small.
  home = await mkdtemp(`${paths().home}-test-`);
  image = (await findImage(paths().images, "default"))!;
});
afterAll(() => rm(home, { recursive: true }));

async function emberbox(...parameters: string[]): Promise<{ stdout: string; stderr: string }> {
  const { EMBERBOX_HOME: _, ...rest } = process.env;
  return run("node", [launcher, "image", ...parameters], {
    env: parameters[0] === "import" ? { ...rest, EMBERBOX_HOME: home } : process.env,
  });
}

test("the default image, exported, signed and imported, is the same, with its holes", async () => {
  const file = join(home, "emberbox.image");
  const [key, publicKey] = [join(home, "image.key"), join(home, "image.pub")];
  await run("openssl", ["genpkey", "-algorithm", "ed25519", "-out", key]);
  await run("openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey]);

  const exported = await emberbox("export", file, "--sign", key, "--json");
  const { size: bytes } = await stat(file);
  const name = (await emberbox("key")).stdout.trim();
  expect(JSON.parse(exported.stdout)).toEqual({ file, bytes, key: name, signed: true });
  expect(exported.stderr).toMatch(/image, \d+ %: compressing the image/);
  expect(bytes).toBeLessThan(700 * MIB);

  const directory = join(home, "images", name);
  const first = await emberbox("import", file, "--verify", publicKey, "--json");
  expect(JSON.parse(first.stdout)).toEqual({ directory, isNew: true, verified: true });
  const again = await emberbox("import", file);
  expect(again).toEqual({
    stdout: `image  ${directory}\n`,
    stderr: "emberbox: it was there already\n",
  });

  const copy = (await findImage(join(home, "images"), "default"))!;
  for (const part of ["kernel", "initrd", "rootfs"] as const) {
    await run("cmp", [image[part], copy[part]]);
    const [before, after] = await Promise.all([stat(image[part]), stat(copy[part])]);
    expect(after.blocks).toBeLessThanOrEqual(before.blocks + 64);
    expect(after.mode).toBe(before.mode);
  }
});
