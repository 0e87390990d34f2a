import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { once } from "node:events";
import { createGzip } from "node:zlib";
import { EmberboxError } from "@emberbox/core";
import type { AgentFile } from "@emberbox/guest";

export function hashAgent(files: readonly AgentFile[]): string {
  const hash = createHash("sha256");
  for (const { target, content } of files)
    hash.update(`${target}\0${content.length}\0`).update(content);
  return hash.digest("hex");
}

/** The image's initramfs with the agent in a second archive behind it; the kernel unpacks one over the other. */
export async function writeInitrd(options: {
  readonly base: string;
  readonly files: readonly AgentFile[];
  readonly nodeFlags: readonly string[];
  readonly target: string;
}): Promise<void> {
  const staging = await mkdtemp(`${options.target}.staging-`);
  try {
    const agent = join(staging, "agent");
    for (const file of options.files) {
      const target = join(agent, file.target);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, file.content);
      await chmod(target, file.executable ? 0o755 : 0o644);
    }
    await writeFile(join(agent, "node-flags"), options.nodeFlags.join(" "));
    await pipeline(createReadStream(options.base), createWriteStream(options.target));
    await appendArchive(staging, options.target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function appendArchive(directory: string, target: string): Promise<void> {
  const child = spawn("sh", ["-c", "find . | sort | cpio --quiet -o -H newc -R 0:0"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [[code]] = (await Promise.all([
    once(child, "exit"),
    pipeline(child.stdout, createGzip(), createWriteStream(target, { flags: "a" })),
  ])) as [[number | null], void];
  if (code !== 0) throw new EmberboxError("boot_failed", `cpio ended with exit code ${code}`);
}
