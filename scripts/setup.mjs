// Takes a fresh Debian or Ubuntu machine with Node 20 or newer to a running sandbox, the tests, the examples or the
// benchmarks. Plain JavaScript without dependencies: it runs before anything is installed. It can be interrupted and
// repeated.
import { argv, exit } from "node:process";
import {
  checked,
  comparedWith,
  containers,
  foreign,
  installDebianPackages,
  withEnvironments,
} from "./setup/debian.mjs";
import { checkMachine, demandRoot } from "./setup/machine.mjs";
import { StepFailed, command, finish, note } from "./setup/steps.mjs";
import { buildGuest, installWorkspace, node, script } from "./setup/workspace.mjs";

const source = "--conditions=@emberbox/source";
/** Node calls stripping types experimental, and warns. */
const quiet = "--disable-warning=ExperimentalWarning";

/** Installs and builds everything that a virtual machine needs in order to start. */
async function prepare(morePackages, templates = ["default"]) {
  checkMachine();
  await installDebianPackages(morePackages);
  await installWorkspace();
  await buildGuest();
  for (const template of templates) {
    await command(
      `template ${template}`,
      [node, source, "packages/emberbox/src/bin.ts", "build", template],
      { stdout: "stderr" },
    );
  }
}

const modes = {
  /** What is needed by everything that starts no machine. */
  async workspace() {
    await installWorkspace();
    await buildGuest();
  },

  async quickstart(parameters) {
    await prepare();
    await command("quickstart", [node, source, "examples/quickstart.ts", ...parameters]);
  },

  async test(parameters) {
    await prepare([...checked, ...containers, ...withEnvironments], ["default", "r"]);
    // All of them run, whatever the first one finds.
    const results = [
      await command("lint", [node, "--run", "lint"], { mayFail: true }),
      await command("typecheck", [node, "--run", "typecheck"], { mayFail: true }),
      await command("packages", [node, "--run", "lint:packages"], { mayFail: true }),
      await command("tests", [script("vitest"), "run", ...parameters], { mayFail: true }),
    ];
    const failed = results.find((code) => code !== 0);
    if (failed !== undefined) throw new StepFailed("not everything passed, see above", failed);
  },

  /** Another release of Debian than the default template's: what is promised of sandboxes, and what is in the image. */
  async "test:debian-12"(parameters) {
    await prepare([], ["debian-12"]);
    const files = ["debian-12", "templates", "plotly", "kernels", "clones"];
    await command(
      "tests of debian-12",
      [
        ...[script("vitest"), "run", "--project", "machines"],
        ...files.map((name) => `test/${name}.test.ts`),
        ...parameters,
      ],
      { env: { EMBERBOX_TEST_TEMPLATE: "debian-12" } },
    );
  },

  /** Templates that come as recipes: builds them, which takes many minutes and Debian's and npm's packages. */
  async "test:ready"(parameters) {
    await prepare();
    await command(
      "tests of ready-made templates",
      [
        ...[script("vitest"), "run", "--project", "machines", "test/ready-templates.test.ts"],
        ...parameters,
      ],
      { env: { EMBERBOX_TEST_READY: "1" } },
    );
  },

  /** Machines with an Arm processor, emulated: takes an hour or more, most of it for their image. */
  async "test:arm64"(parameters) {
    demandRoot("it tells the kernel how to run programs of another processor");
    await prepare(foreign, []);
    await command("tests on Arm", [node, source, quiet, "test/hosts/arm64.ts", ...parameters]);
  },

  /** Under KVM, in an emulated machine of Debian 13: takes hours, 9 GiB of memory and 10 GB of disk. */
  async "test:kvm"(parameters) {
    demandRoot("it makes a Debian's files with their owners");
    await prepare();
    await command("tests under KVM", [node, source, quiet, "test/hosts/kvm.ts", ...parameters]);
  },

  /** All tests on a machine that has other things to do: takes hours. */
  async "test:busy"(parameters) {
    await prepare([...checked, ...containers, ...withEnvironments], ["default", "r"]);
    await command("tests on a busy machine", [
      ...[node, source, quiet, "test/hosts/busy.ts"],
      ...parameters,
    ]);
  },

  /** With a container's rights, without a container engine. */
  async "test:containers"() {
    demandRoot("it makes a container's files with their owners, and enters it by namespaces");
    await prepare();
    await command("tests in containers", [node, source, quiet, "test/hosts/containers.ts"]);
  },

  /** An ordinary user of a Debian 13, from the set-up on. */
  async "test:debian13"(parameters) {
    demandRoot("it makes a Debian's files with their owners, and enters it by namespaces");
    await prepare();
    await command("tests on Debian 13", [
      ...[node, source, quiet, "test/hosts/debian13.ts"],
      ...parameters,
    ]);
  },

  async examples(parameters) {
    await prepare();
    await command("examples", [node, source, "scripts/examples.ts", ...parameters]);
  },

  /** Programs with E2B's Python SDK, against `emberbox serve`. */
  async "examples:python"(parameters) {
    await prepare(withEnvironments);
    await command("Python examples", [
      ...[node, source, quiet, "test/e2b/python/main.ts"],
      ...parameters,
    ]);
  },

  async bench(parameters) {
    await prepare(comparedWith);
    await command("bench", [node, source, "bench/main.ts", ...parameters]);
  },

  async behaviours(parameters) {
    await prepare();
    await command("behaviours", [node, source, "scripts/behaviours.ts", ...parameters]);
  },

  async escapes(parameters) {
    await prepare(containers);
    await command("escapes", [node, source, "test/escapes/main.ts", ...parameters]);
  },

  async fuzz(parameters) {
    await installWorkspace();
    await command("fuzz", [node, source, quiet, "test/fuzz/main.ts", ...parameters]);
  },

  async "e2b-table"(parameters) {
    await prepare();
    await command("e2b-table", [node, source, "test/e2b/table/main.ts", ...parameters]);
  },
};

const [name, ...parameters] = argv.slice(2);
const mode = modes[name];
if (!mode) {
  note(`usage: node scripts/setup.mjs ${Object.keys(modes).join(" | ")} [arguments]`);
  exit(2);
}
// `npm run x -- --json` and `pnpm x -- --json` differ in who removes the dashes.
if (parameters[0] === "--") parameters.shift();
await finish(() => mode(parameters));
