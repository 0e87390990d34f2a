import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The directory of the guest's Python and its `setup.cfg`. */
export const guest: string = join(import.meta.dirname, "../../packages/guest");

/** Debian's own Python comes first: Debian's packages are installed for it. */
const interpreters = ["/usr/bin/python3", "python3"];

/** A Python in which these lines run without an error. */
export function pythonThatRuns(lines: string): string | undefined {
  return interpreters.find((name) => spawnSync(name, ["-c", lines]).status === 0);
}

/** A Python that has all of `modules`, or the reason why there is none. */
export function findPython(
  ...modules: readonly string[]
): { python: string } | { lacking: string } {
  const python = pythonThatRuns(`import ${modules.join(", ")}`);
  if (python !== undefined) return { python };
  return {
    lacking:
      `the guest's Python cannot be checked: no python3 here has ${modules.join(", ")}. ` +
      "On Debian or Ubuntu: sudo apt-get install flake8 mypy python3-pytest. " +
      "Elsewhere: python3 -m pip install flake8 mypy pytest",
  };
}

/** Nothing may be skipped on Linux, where the packages are available, and wherever `EMBERBOX_REQUIRE=python` is set. */
export const isRequired: boolean =
  process.platform === "linux" || process.env["EMBERBOX_REQUIRE"]?.includes("python") === true;
