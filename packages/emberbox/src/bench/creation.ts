import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds, NotMeasured, PAUSE_MS, type Sampler } from "./group.ts";

/** The same for the sandbox and for the host. */
export const IMPORTS = "import numpy, pandas, matplotlib.pyplot";
export const HOST_PYTHON = "/usr/bin/python3";
export const HOST_PACKAGES = "python3-numpy python3-pandas python3-matplotlib";

export const creation: GroupPlan = {
  ids: ["create_to_pandas", "create_second", "host_import", "tti"],
  rounds: 15,
  warmUp: 1,
  async begin() {
    // A program's first sandbox has nothing that was prepared for it.
    const provider = microvm({ standby: false });
    const second = microvm();
    const toPandas = async (from: typeof provider): Promise<number> => {
      const started = performance.now();
      await using sandbox = await Sandbox.create({ provider: from });
      await importPandas(sandbox);
      return milliseconds(started);
    };
    return {
      samplers: {
        create_to_pandas: () => toPandas(provider),
        async create_second() {
          await using _first = await Sandbox.create({ provider: second });
          await sleep(PAUSE_MS);
          return toPandas(second);
        },
        async tti() {
          const started = performance.now();
          await using sandbox = await Sandbox.create({ provider });
          const { stdout } = await sandbox.commands.run("node -v");
          if (!stdout.startsWith("v")) throw new Error(`node -v answered ${stdout}`);
          return milliseconds(started);
        },
        host_import: hostImport,
      },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await second[Symbol.asyncDispose]();
      },
    };
  },
};

export async function importPandas(sandbox: Sandbox): Promise<void> {
  const { text, error } = await sandbox.runCode(`${IMPORTS}; pandas.__version__`);
  if (error || !text) throw new Error(`pandas was not imported: ${error?.traceback}`);
}

const hostImport: Sampler = async () => {
  const started = performance.now();
  try {
    await promisify(execFile)(HOST_PYTHON, ["-c", IMPORTS]);
  } catch {
    throw new NotMeasured(`${HOST_PYTHON} cannot import them; Debian packages: ${HOST_PACKAGES}`);
  }
  return milliseconds(started);
};
