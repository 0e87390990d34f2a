import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { HOST_PACKAGES, HOST_PYTHON } from "./creation.ts";
import { type GroupPlan, NotMeasured } from "./group.ts";

const run = promisify(execFile);

/** Each prints how long its parts took, in seconds; starting the interpreter and importing is no part. */
const PYTHON = `
import io, json, re, subprocess, time
import numpy, pandas
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt

def loop():
    total = 0
    for i in range(2_000_000): total += i * i % 7
def arrays():
    a = numpy.arange(1_000_000, dtype=float)
    for _ in range(10): (numpy.sqrt(a) + a * 2).sum()
    m = numpy.ones((200, 200)); m @ m
def frames():
    n = 200_000
    frame = pandas.DataFrame({"key": numpy.arange(n) % 100, "value": numpy.arange(n) * 0.5})
    frame.groupby("key").value.agg(["mean", "max"]); frame.sort_values("value", ascending=False).head()
def figure():
    figure, axes = plt.subplots(); axes.plot(numpy.arange(1000) % 17)
    figure.savefig(io.BytesIO(), format="png"); plt.close(figure)
def text():
    rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b"]} for i in range(20_000)]
    words = re.findall(r"[a-z]+", json.dumps(json.loads(json.dumps(rows))))
    len(set(words))
def processes():
    for _ in range(20): subprocess.run(["/bin/true"], check=True)

parts = {}
for part in (loop, arrays, frames, figure, text, processes):
    part()
    started = time.perf_counter(); part(); parts[part.__name__] = time.perf_counter() - started
print(json.dumps(parts))
`;
const NODE = `
const loop = () => { let total = 0; for (let i = 0; i < 2e7; i++) total += (i * i) % 7; return total; };
loop();
const started = performance.now();
loop();
console.log(JSON.stringify({ node: (performance.now() - started) / 1000 }));
`;

type Parts = Readonly<Record<string, number>>;
const parse = (text: string): Parts => JSON.parse(text) as Parts;

/** How much longer the same programs take inside than on the host, once they are warm: the geometric mean. */
export const guestSpeed: GroupPlan = {
  ids: ["guest_speed"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    const provider = microvm();
    const directory = await mkdtemp(join(tmpdir(), "emberbox-bench-"));
    const sandbox = await Sandbox.create({ provider });
    const scripts = [
      ["python3", HOST_PYTHON, "speed.py", PYTHON],
      ["node", process.execPath, "speed.mjs", NODE],
    ] as const;
    for (const [, , name, script] of scripts) {
      await writeFile(join(directory, name), script);
      await sandbox.files.write(`/tmp/${name}`, script);
    }
    const onHost = async (program: string, name: string): Promise<Parts> => {
      try {
        return parse((await run(program, [join(directory, name)])).stdout);
      } catch {
        throw new NotMeasured(
          `${program} cannot run the programs; Debian packages: ${HOST_PACKAGES}`,
        );
      }
    };
    const inside = async (program: string, name: string): Promise<Parts> => {
      const { stdout, stderr } = await sandbox.commands.run(`${program} /tmp/${name}`, {
        timeoutMs: 600_000,
      });
      if (stdout === "") throw new Error(stderr);
      return parse(stdout);
    };
    return {
      samplers: {
        async guest_speed() {
          const logarithms: number[] = [];
          for (const [program, hostProgram, name] of scripts) {
            const host = await onHost(hostProgram, name);
            const guest = await inside(program, name);
            for (const [part, seconds] of Object.entries(host))
              logarithms.push(Math.log(guest[part]! / seconds));
          }
          return Math.exp(logarithms.reduce((sum, each) => sum + each, 0) / logarithms.length);
        },
      },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
};
