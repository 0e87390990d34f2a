import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { runProgram } from "../../scripts/examples.ts";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { temporaryDirectory } from "../support/server.ts";
import { NoEnvironment, pythonWith, type Requirements } from "./python/environment.ts";
import {
  findPythonExamples,
  missingPackage,
  pythonEnvironment,
  runPythonExample,
} from "./python/examples.ts";
import { type Served, startServed } from "./support/served.ts";
import { callPythonMethods, expectedOfPython } from "./table/python.ts";

/** With TLS and names for each sandbox, as older SDKs need it, and without. */
let named: Served;
let plain: Served;
beforeAll(async () => {
  await (await createSandbox()).kill();
  named = await startServed(temporaryDirectory(), "--tls-self-signed");
  plain = await startServed(temporaryDirectory());
});
afterAll(() => Promise.all([named?.end(), plain?.end()]));

/** All of them pause sandboxes or save them. */
const canSave = provider.capabilities.pause && provider.capabilities.snapshots;

/** What a release of the SDK has not. */
const lacking: Record<Requirements, string[]> = {
  "requirements.txt": ["Sandbox.betaCreate"],
  "requirements-old.txt": [
    ...["E2B.Sandbox", "Sandbox.updateNetwork", "Sandbox.fork", "sandbox.fork"],
    ...["sandbox.updateNetwork", "commands.closeStdin", "commands.streamInput"],
    ...["handle.sendStdin", "handle.closeStdin", "pty.streamInput", "Secret.create"],
    ...["Secret.getInfo", "Secret.exists", "Secret.list", "Secret.update", "Secret.destroy"],
    ...["Sandbox.create({ iam })", "network.httpsPorts", "network.egressProxy"],
    "rules with a secret",
  ],
};

describe.skipIf(!canSave).each<[Requirements, () => Served]>([
  ["requirements.txt", () => plain],
  ["requirements-old.txt", () => named],
])("E2B's Python SDK of %s", (requirements, served) => {
  /** The Python, or the reason why there is none. */
  let python: string | NoEnvironment;
  beforeAll(async () => {
    python = await pythonWith(requirements).catch((error: unknown) => {
      if (!(error instanceof NoEnvironment)) throw error;
      console.warn(`SKIPPED: ${error.message}`);
      return error;
    });
  });

  /** Skips the test where the registry of Python's packages does not answer. */
  function demandPython(context: TestContext): string {
    if (python instanceof NoEnvironment) context.skip(python.message);
    return python as string;
  }

  test("what guides show, with the variables of `emberbox serve --tls-self-signed`", async (context) => {
    const { ok, output } = await runProgram(
      demandPython(context),
      [join(import.meta.dirname, "python/sdk.py")],
      { cwd: temporaryDirectory(), env: pythonEnvironment(named.variables), limitMs: 200_000 },
    );
    expect(ok, output).toBe(true);
    expect(output).toBe(`('green', 42) ['streamed'] None
ZeroDivisionError
[ 2, 4 ]
iVBORw0K bar
/tmp
text ü b'\\x00\\xff'
['c.txt'] False
text ü
out err 0
exit 3
echoed True
True
text ü
42 {'from': 'python'}
True True
42
True False
2 ['1\\n'] False True
`);
  });

  test.runIf(requirements === "requirements.txt")(
    "secrets and tags, which older ones do not have",
    async (context) => {
      const { ok, output } = await runProgram(
        demandPython(context),
        [join(import.meta.dirname, "python/newer.py")],
        { cwd: temporaryDirectory(), env: pythonEnvironment(plain.variables), limitMs: 200_000 },
      );
      expect(ok, output).toBe(true);
      expect(output).toBe(`from-python 1 {'made': 'here'}
2
from-python True
['from-python']
\${e2b.secrets.from-python} True False
['default']
`);
    },
  );

  test(
    "every public method gives what that of the JavaScript SDK must give",
    { timeout: 900_000 },
    async (context) => {
      const outcomes = await callPythonMethods(demandPython(context), served().variables);
      const there = outcomes.filter(({ result }) => result !== "absent");
      const unexpected = there.filter(
        ({ method, result }) => result !== expectedOfPython(method, provider.capabilities),
      );
      expect(unexpected).toEqual([]);
      expect(there.length).toBeGreaterThan(100);
      const absent = outcomes.filter(({ result }) => result === "absent");
      expect(absent.map(({ method }) => method)).toEqual(lacking[requirements]);
    },
  );

  const names = findPythonExamples().filter((name) => !missingPackage(name, requirements));
  test.for(names)("examples/python/%s", async (name, context) => {
    const run = await runPythonExample(demandPython(context), name, served().variables);
    expect(run.outcome, run.output).toBe("ok");
  });
});
