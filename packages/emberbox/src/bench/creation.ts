import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds, NotMeasured, type Sampler } from "./group.ts";

/** The same for the sandbox and for the host. */
export const IMPORTS = "import numpy, pandas, matplotlib.pyplot";
const HOST_PYTHON = "/usr/bin/python3";

export const creation: GroupPlan = {
  ids: ["create_to_pandas", "host_import", "tti"],
  rounds: 15,
  warmUp: 1,
  async begin() {
    const provider = microvm();
    return {
      samplers: {
        async create_to_pandas() {
          const started = performance.now();
          await using sandbox = await Sandbox.create({ provider });
          await importPandas(sandbox);
          return milliseconds(started);
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
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
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
    throw new NotMeasured(
      `${HOST_PYTHON} cannot import them; Debian packages: python3-numpy python3-pandas python3-matplotlib`,
    );
  }
  return milliseconds(started);
};
