/** Templates that begin with container images, which the test itself makes of parts of the default template. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as E2B from "e2b";
import { Sandbox, Template } from "@emberbox/core";
import type { BuiltTemplate, TemplateLog } from "@emberbox/core/template";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runExample } from "../scripts/examples.ts";
import { startRegistry } from "../packages/microvm/src/container/testing/registry.ts";
import { findProgram } from "../packages/microvm/src/host/programs.ts";
import {
  debianLayer,
  LAST_LAYER,
  OWN_LAYER,
  SETTINGS,
  tar,
  writeLayout,
} from "./support/container-image.ts";
import { createSandbox, provider } from "./support/sandboxes.ts";
import { sdkOptions, startServer } from "./support/server.ts";

const isMissing = findProgram("skopeo") === undefined;
if (isMissing) console.warn("NOT TESTED: templates from container images, for lack of skopeo");
const skipped = test.skipIf(isMissing);

const directory = mkdtempSync(join(tmpdir(), "emberbox-container-"));
const image = `oci:${join(directory, "image")}:it`;
/** It unpacks an image and warms a template, which takes minutes on a busy machine. */
const FIRST_MS = 1_800_000;
/** Different in each run, so that nothing of it was built before. */
const run = `${process.pid}-${Date.now()}`;

let bareLayer: Buffer;

beforeAll(async () => {
  if (isMissing) return;
  await using sandbox = await createSandbox({ timeoutMs: 3_600_000 });
  const layers = [await debianLayer(sandbox), OWN_LAYER, LAST_LAYER];
  bareLayer = await debianLayer(sandbox, { hasPython: false });
  writeLayout(join(directory, "image"), { layers, config: SETTINGS });
});
afterAll(async () => {
  for (const { name } of await provider.listTemplates!()) await provider.deleteTemplate!(name);
  rmSync(directory, { recursive: true });
});

async function build(from: Template): Promise<{ built: BuiltTemplate; texts: string[] }> {
  const texts: string[] = [];
  const onBuildLogs = (log: TemplateLog): void => void texts.push(log.text);
  const built = await Template.build(from, { name: "from-image", provider, onBuildLogs });
  return { built, texts };
}
type Template = ReturnType<typeof Template>;

skipped("a sandbox has what is in the image, and what it says", { timeout: FIRST_MS }, async () => {
  const { texts } = await build(
    Template()
      .fromImage(image)
      .runCmd(`echo ${run} > built`, { user: "root" })
      .setEnvs({ MORE: "more" }),
  );
  expect(texts).toContain("unpacking layer 3 of 3");

  await using sandbox = await Sandbox.create("from-image", { provider });
  const said = async (command: string): Promise<string> =>
    (await sandbox.commands.run(command)).stdout.trim();
  expect(await said("id -u; pwd; cat data built; ls; echo $GREETING, $MORE, $PATH")).toBe(
    [
      ...["4321", "/srv/app", "from a layer", run, "built", "data"],
      "from the image, more, /opt/tools:/usr/local/bin:/usr/bin:/bin",
    ].join("\n"),
  );
  const user = await sandbox.commands.run("id -u; pwd", { user: "user", cwd: "/home/user" });
  expect(user.stdout).toBe("1001\n/home/user\n");
  expect((await sandbox.runCode("import flower; flower.NAME")).text).toBe("tulip");
  expect((await sandbox.runCode("import numpy")).error?.name).toBe("ModuleNotFoundError");
  const magic = await sandbox.runCode("x = !echo $((6 * 7))\nx[0]");
  expect(magic.text).toBe("42");
  const javascript = await sandbox.runCode("process.version.slice(0, 3)", {
    language: "javascript",
  });
  expect(javascript.text).toContain("v24");
});

skipped("the example runs", async () => {
  process.env["IMAGE"] = image;
  const { outcome, output } = await runExample("examples/container-image.ts");
  expect(outcome, output).toBe("ok");
  expect(output).toContain("Python 3");
});

const cannotServe = isMissing || findProgram("docker-registry") === undefined;
if (cannotServe) console.warn("NOT TESTED: a registry of one's own, for lack of docker-registry");

test.skipIf(cannotServe)(
  "E2B's SDK builds from a registry, of an image that says it is Ubuntu and has no Python",
  { timeout: FIRST_MS },
  async () => {
    // Debian's files: Ubuntu's own packages are in no sandbox here.
    const release = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n';
    const layers = [bareLayer, tar([["etc/os-release", release]])];
    const config = { config: { Env: ["PATH=/usr/local/bin:/usr/bin:/bin"] } };
    const layout = writeLayout(join(directory, "bare"), { layers, config });
    await using registry = await startRegistry(directory);
    const { host, username, password } = registry;
    const name = `${host}/bare:1`;
    const login = ["--dest-creds", `${username}:${password}`, "--dest-tls-verify=false"];
    const source = `oci:${layout}:it`;
    await promisify(execFile)("skopeo", [
      ...["--insecure-policy", "copy", ...login, source, `docker://${name}`],
    ]);
    const begin = () => E2B.Template().fromImage(name, { username, password });

    const closed = sdkOptions(await startServer());
    await expect(E2B.Template.build(begin(), "bare", closed)).rejects.toThrow(/may not be fetched/);
    const options = sdkOptions(await startServer({ network: { allowOut: ["127.0.0.1"] } }));
    await E2B.Template.build(begin().runCmd(`echo ${run} > made`), "bare", options);
    const remote = await E2B.Sandbox.create("bare", options);
    await remote.files.write("/tmp/file", "text");
    const said = await remote.commands.run(
      "cat /tmp/file; echo; cat made; command -v python3 || echo none",
    );
    expect(said.stdout).toBe(`text\n${run}\nnone\n`);
    await remote.kill();

    await using sandbox = await Sandbox.create("bare", { provider });
    const { error } = await sandbox.runCode("1 + 1");
    expect(error?.value).toMatch(/no Python here can run cells/);
    const javascript = await sandbox.runCode("1 + 1", { language: "javascript" });
    expect(javascript.text).toBe("2");
  },
);

skipped("what was fetched and unpacked is not again", async () => {
  const { texts } = await build(Template().fromImage(image).runCmd(`echo again ${run}`));
  expect(texts).toContain(`again ${run}\n`);
  expect(texts.join("\n")).not.toContain("unpacking");
});

test.skipIf(isMissing).each([
  ["of another distribution", [["etc/os-release", "ID=alpine\n"]], "unsupported", /alpine/],
  ["without a shell", [["etc/os-release", "ID=debian\n"]], "unsupported", /lacks .*bash/],
  ["whose names lead out", [["../../etc/cron.d/x", ""]], "template_build_failed", /leads out/],
] as const)("an image %s is refused", async (_what, files, code, why) => {
  const bad = writeLayout(mkdtempSync(join(directory, "bad-")), { layers: [tar(files)] });
  const building = build(Template().fromImage(`oci:${bad}`));
  await expect(building).rejects.toMatchObject({ code });
  await expect(building).rejects.toThrow(why);
  expect((await provider.list()).length).toBe(0);
});
