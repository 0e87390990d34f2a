import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SOURCE, sourceNode } from "../scripts/source.ts";

/** Inputs for each target. */
const RUNS = 20_000;

const main = join(import.meta.dirname, "fuzz/main.ts");
const flags = [SOURCE, "--disable-warning=ExperimentalWarning"];
const targets = readdirSync(join(import.meta.dirname, "fuzz/targets"));

test(
  `${RUNS} inputs for each of ${targets.length} parsers are read or refused, within their limits`,
  { timeout: 1_800_000 },
  async () => {
    const { promise, resolve } = Promise.withResolvers<{ code: unknown; said: string }>();
    execFile(sourceNode, [...flags, main, "--runs", String(RUNS)], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
    const { code, said } = await promise;
    expect(code, said).toBe(0);
    expect(said.match(/^ok/gm), said).toHaveLength(targets.length);
  },
);
