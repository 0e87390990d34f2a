import { microvm } from "@emberbox/microvm";
import { Sandbox, Volume } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const MOUNT = "/mnt/bench";
const SMALL = 50;
const MIB = 16;
/** It says itself how long it took, in seconds: what a command costs is measured elsewhere. */
const small = `import time
began = time.monotonic()
for i in range(${SMALL}):
    with open(f"{i}", "w") as file: file.write("x" * 4096)
for i in range(${SMALL}):
    with open(f"{i}") as file: assert len(file.read()) == 4096
print(time.monotonic() - began)`;
const write = `import os, time
block = os.urandom(1024 * 1024)
began = time.monotonic()
with open("large", "wb", buffering=0) as file:
    for _ in range(${MIB}): file.write(block)
print(time.monotonic() - began)`;

/** What a program inside has of a volume. */
export const volumes: GroupPlan = {
  ids: ["volume_small_files", "volume_write"],
  rounds: 3,
  warmUp: 1,
  async begin() {
    const provider = microvm();
    const volume = await Volume.create(`bench-${process.pid}`, { provider });
    const sandbox = await Sandbox.create({ provider, volumeMounts: { [MOUNT]: volume } });
    const seconds = async (program: string): Promise<number> => {
      const began = performance.now();
      const { stdout, stderr, exitCode } = await sandbox.commands.run(
        `python3 - <<'END'
${program}
END`,
        { cwd: MOUNT, timeoutMs: 0 },
      );
      if (exitCode !== 0) throw new Error(stderr);
      return Math.min(Number(stdout), milliseconds(began) / 1000);
    };
    return {
      samplers: {
        async volume_small_files() {
          const taken = await seconds(small);
          await sandbox.commands.run(`rm -f ${MOUNT}/*`, { timeoutMs: 0 });
          return (taken * 1000) / (2 * SMALL);
        },
        volume_write: async () => (MIB * 1024 * 1024) / 1e6 / (await seconds(write)),
      },
      async [Symbol.asyncDispose]() {
        await sandbox.kill();
        await Volume.destroy(volume.volumeId, { provider });
        await provider[Symbol.asyncDispose]();
      },
    };
  },
};
