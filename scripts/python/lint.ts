/**
 * `npm run lint` for Python, the guest's, the examples' and the tests': style and mistakes (flake8), then types (mypy).
 * The rules are in `packages/guest/setup.cfg`.
 */
import { spawnSync } from "node:child_process";
import { findPython, guest, isRequired } from "./tools.ts";

const checks = {
  flake8: [
    ...["egress.py", "kernel", "tests", "../microvm/src/image/assets/check.py"],
    ...["../../examples/python", "../../test/e2b"],
  ],
  mypy: [],
};

const found = findPython(...Object.keys(checks));
if ("lacking" in found) {
  console.error(isRequired ? found.lacking : `SKIPPED: ${found.lacking}`);
  process.exit(isRequired ? 1 : 0);
}
for (const [name, parameters] of Object.entries(checks)) {
  const { status } = spawnSync(found.python, ["-m", name, ...parameters], {
    cwd: guest,
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
