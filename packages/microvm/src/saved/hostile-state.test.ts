import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { childOf } from "../host/child.ts";
import { openFolderImages } from "../workspaces/store.ts";
import { loadSource } from "./load.ts";
import { openPaused } from "./paused.ts";
import { openSnapshots } from "./snapshots.ts";
import { manifest } from "./testing/manifest.ts";

const invalid = expect.objectContaining({ code: "invalid_argument" });
const notNames: unknown[] = [
  ...["", ".", "..", "/", "/etc/passwd", "a/b", "a/../../x", "../../x", "a\0", "x".repeat(300)],
  ...[undefined, null, 1, {}, ["a"]],
];

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-hostile-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

test.each(notNames)("%j is the name of nothing in a directory", (name) =>
  expect(() => childOf("/a/b", name as string)).toThrow(invalid),
);

test.each([...notNames, "__proto__", "-a", ".a", "a\nb", `s${"a".repeat(20)}`])(
  "the store of snapshots takes no name %j",
  async (name) => {
    const directory = scratch();
    const root = join(directory, "state");
    writeFileSync(join(directory, "x"), "mine");
    const store = openSnapshots(root);
    await expect(store.name(store.newId(), name as string)).rejects.toThrow(invalid);
    expect(readdirSync(directory)).toEqual(["x"]);
    expect(readFileSync(join(directory, "x"), "utf8")).toBe("mine");
  },
);

function keep(change: (manifest: any) => void): ReturnType<typeof openPaused> {
  const root = scratch();
  const changed = structuredClone(manifest);
  change(changed);
  const text = JSON.stringify(changed);
  mkdirSync(join(root, "paused/isome"), { recursive: true });
  const digest = createHash("sha256").update(text).digest("hex");
  writeFileSync(join(root, "paused/isome/manifest.json"), `${digest}\n${text}`);
  return openPaused(root);
}

test("a manifest as it is written is read", async () => {
  expect(await keep(() => {}).find("isome")).toEqual(manifest);
});

/** Whoever changes a manifest can fix its digest too. */
test.each<[what: string, change: (manifest: any) => void]>([
  ["the device state elsewhere", (it) => (it.memory.state.name = "../../../etc/passwd")],
  ["a layer of memory elsewhere", (it) => (it.memory.layers[0].name = "../../x")],
  ["a layer of memory that is the manifest", (it) => (it.memory.layers[0].name = "manifest.json")],
  ["a layer of the disk elsewhere", (it) => (it.disk[0].name = "/etc/passwd")],
  ["a layer that came from another file", (it) => (it.disk[0].home = "/etc/passwd")],
  ["a relative place", (it) => (it.disk[0].home = `../${it.disk[0].name}`)],
  ["a base that is another file", (it) => (it.base.kernel = "/etc/shadow")],
  ["a base with steps up", (it) => (it.base.kernel = "/a/../etc/kernel")],
  ["another sandbox", (it) => (it.sandboxId = "iother")],
  ["a path as the sandbox", (it) => (it.sandboxId = "../isome")],
  ["memory of no size", (it) => (it.options.memoryMB = -1)],
  ["memory by text", (it) => (it.options.memoryMB = "1024,share=on")],
  ["a disk by text", (it) => (it.options.diskMB = "../x")],
  ["processors without end", (it) => (it.options.cpuCount = 1e9)],
  ["a variable with NUL", (it) => (it.options.envs.A = "\0")],
  ["a network of another form", (it) => (it.options.access.network = { allowOut: [1] })],
  ["an accelerator of its own", (it) => (it.accelerator = "tcg,x=y")],
  ["kernel arguments with NUL", (it) => (it.kernelArguments = "a\0b")],
  ["no layer", (it) => (it.disk = [])],
  ["what nobody wrote", (it) => (it.extra = true)],
  ["an inherited name", (it) => (it.options.envs = JSON.parse('{"__proto__": {"a": "b"}}'))],
])("a manifest with %s is refused", async (what, change) => {
  const found = keep(change).find("isome");
  if (what === "an inherited name") expect((await found)?.options.envs).toEqual({});
  else
    await expect(found).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^snapshot_(damaged|incompatible)$/) }),
    );
});

test.each(["", "\n", "x\n{", "\0"])("a manifest that was cut to %j is damaged", async (text) => {
  const root = scratch();
  mkdirSync(join(root, "paused/isome"), { recursive: true });
  writeFileSync(join(root, "paused/isome/manifest.json"), text);
  const damaged = expect.objectContaining({ code: "snapshot_damaged" });
  await expect(openPaused(root).find("isome")).rejects.toThrow(damaged);
});

test("what was saved on another architecture is refused, even to boot from its disk", async () => {
  for (const reboot of [true, false]) {
    const loading = loadSource(scratch(), manifest, {
      ...{ architecture: "arm64", reboot, as: "same", diskMB: 4096 },
      qemu: { stamp: async () => manifest.qemuStamp, version: async () => manifest.qemu },
      images: openFolderImages(scratch()),
    });
    await expect(loading).rejects.toMatchObject({
      code: "snapshot_incompatible",
      message: expect.stringContaining("saved with x64; here is arm64") as unknown,
    });
  }
});
