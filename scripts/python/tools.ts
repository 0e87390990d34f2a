import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Where the guest's Python and its `setup.cfg` are. */
export const guest: string = join(import.meta.dirname, "../../packages/guest");

/** Debian's own Python comes first: it is the one that Debian's packages install for. */
const interpreters = ["/usr/bin/python3", "python3"];

/** A Python that has all of `modules`, or the reason why there is none. */
export function findPython(
  ...modules: readonly string[]
): { python: string } | { lacking: string } {
  const imports = `import ${modules.join(", ")}`;
  const python = interpreters.find((name) => spawnSync(name, ["-c", imports]).status === 0);
  if (python !== undefined) return { python };
  return {
    lacking:
      `the guest's Python cannot be checked: no python3 here has ${modules.join(", ")}. ` +
      "On Debian or Ubuntu: sudo apt-get install flake8 mypy python3-pytest. " +
      "Elsewhere: python3 -m pip install flake8 mypy pytest",
  };
}

/** On Linux, where the packages are at hand, and wherever `EMBERBOX_REQUIRE=python` says so, nothing is left out. */
export const isRequired: boolean =
  process.platform === "linux" || process.env["EMBERBOX_REQUIRE"]?.includes("python") === true;
