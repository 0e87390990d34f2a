import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { StepFailed, command, root } from "./steps.mjs";

const isRoot = process.getuid() === 0;

/** What is needed from Debian or Ubuntu: a file or program that shows that a package is installed, and the package. */
const needed = JSON.parse(
  readFileSync(join(root, "packages/microvm/src/host/packages.json"), "utf8"),
)
  .filter((row) => row.for !== "container")
  .filter(({ on = process.arch, notForRoot }) => on === process.arch && !(notForRoot && isRoot))
  .map(({ sign, apt }) => [sign, apt]);

/** What the checks of the guest's Python need. */
export const checked = [
  ["/usr/lib/python3/dist-packages/flake8", "flake8"],
  ["/usr/lib/python3/dist-packages/mypy", "mypy"],
  ["/usr/lib/python3/dist-packages/pytest", "python3-pytest"],
];

/** What makes Python's environments. */
export const withEnvironments = [["/usr/share/doc/python3-venv", "python3-venv"]];
/** What fetches container images, and what they are fetched from in tests. */
export const containers = [
  ["skopeo", "skopeo"],
  ["docker-registry", "docker-registry"],
];

/** What the benchmarks compare with: the guest's libraries, on this machine itself. */
export const comparedWith = ["numpy", "pandas", "matplotlib"].map((name) => [
  `/usr/lib/python3/dist-packages/${name}`,
  `python3-${name}`,
]);

/** What emulates Arm: whole machines, and the programs that set up the packages of their image. */
export const foreign = [
  ["qemu-system-aarch64", "qemu-system-arm"],
  ["qemu-aarch64-static", "qemu-user-static"],
  ["arch-test", "arch-test"],
];

function hasProgram(name) {
  const directories =
    `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`.split(delimiter);
  return directories.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missingPackages(wanted) {
  return wanted
    .filter(([sign]) => !(sign.startsWith("/") ? existsSync(sign) : hasProgram(sign)))
    .map(([, name]) => name);
}

/** Installs what is missing, as root or with sudo; if neither works, says how to do it by hand. */
export async function installDebianPackages(more = []) {
  const wanted = [...needed, ...more];
  const missing = [...new Set(missingPackages(wanted))];
  if (missing.length === 0) return;
  const byHand = `Install by hand, then run this again:\n\n  ${isRoot ? "" : "sudo "}apt-get install --no-install-recommends ${missing.join(" ")}\n`;
  if (!hasProgram("apt-get")) {
    throw new StepFailed(
      `these Debian packages are missing, and there is no apt-get to install them: ${missing.join(", ")}`,
    );
  }
  if (!isRoot && !hasProgram("sudo"))
    throw new StepFailed(
      `packages are missing, and this is neither root nor is there sudo. ${byHand}`,
    );
  try {
    await install(missing);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    throw new StepFailed(
      `${error.message}\n\nThe packages could not be installed. ${byHand}`,
      error.exitCode,
    );
  }
  const still = missingPackages(wanted);
  if (still.length > 0)
    throw new StepFailed(`apt-get was content, but these are still missing: ${still.join(", ")}`);
}

async function install(packages) {
  const installing = apt("install", "--no-install-recommends", ...packages);
  const title = `Debian packages: ${packages.join(" ")}`;
  if ((await command(title, installing, { quiet: true, mayFail: true })) === 0) return;
  // The lists may be missing or old, or an earlier installation interrupted: both can be repaired.
  await command("finish an interrupted installation", asRoot("dpkg", "--configure", "-a"), {
    quiet: true,
    mayFail: true,
  });
  await command("package lists", apt("update"), { quiet: true });
  await command(title, installing, { quiet: true });
}

function apt(...parameters) {
  return asRoot(
    "apt-get",
    "--yes",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "Acquire::Retries=3",
    ...parameters,
  );
}

/** Proxies as apt knows them; sudo passes nothing on by itself. */
function proxies() {
  return ["http_proxy", "https_proxy", "no_proxy"].flatMap((name) => {
    const value = process.env[name] || process.env[name.toUpperCase()];
    return value ? [`${name}=${value}`] : [];
  });
}

function asRoot(...words) {
  const quiet = [
    ...["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", ...proxies()],
    ...words,
  ];
  if (isRoot) return quiet;
  // Without a terminal nobody can type a password.
  return ["sudo", ...(process.stdin.isTTY ? [] : ["-n"]), ...quiet];
}
