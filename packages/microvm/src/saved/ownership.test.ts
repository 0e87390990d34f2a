import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkspaceInfo } from "@emberbox/core/workspace";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openFolderImages } from "../workspaces/store.ts";
import { loadFolders } from "./folders.ts";
import { type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { manifest } from "./testing/manifest.ts";

const workspace: WorkspaceInfo = {
  ...{ host: "/home/somebody", guest: "/home/user/repo", mode: "review" },
  baseline: "b".repeat(64),
};
const named: Manifest = { ...manifest, options: { ...manifest.options, workspaces: [workspace] } };

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-ownership-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

beforeEach(() => {
  vi.stubEnv("EMBERBOX_HOME", scratch());
});

const workspacesIn = async (directory: string) =>
  (await readManifest(directory))!.options.workspaces;

test("the folders of what this user saved are this user's", async () => {
  const [one, other] = [scratch(), scratch()];
  await Promise.all([writeManifest(one, named), writeManifest(other, named)]);
  for (const directory of [one, other]) expect(await workspacesIn(directory)).toEqual([workspace]);
});

test("those of what somebody else saved are not, nor once it is saved again", async () => {
  const directory = scratch();
  await writeManifest(directory, named);
  vi.stubEnv("EMBERBOX_HOME", scratch());
  const foreign = [{ ...workspace, isForeign: true }];
  expect(await workspacesIn(directory)).toEqual(foreign);
  const again = scratch();
  await writeManifest(again, (await readManifest(directory))!);
  expect(await workspacesIn(again)).toEqual(foreign);
});

test.each<[string, (lines: string[]) => string[]]>([
  ["without a seal", ([sum, text]) => [sum!, text!]],
  ["with an empty seal", ([sum, text]) => [sum!, text!, ""]],
  ["with a seal made up", ([sum, text]) => [sum!, text!, "0".repeat(64)]],
  [
    "with another folder, and the digest of that",
    ([, text, seal]) => {
      const other = text!.replace("/home/somebody", "/home/user");
      return [createHash("sha256").update(other).digest("hex"), other, seal!];
    },
  ],
])("folders are nobody's in what was saved %s", async (_, change) => {
  const directory = scratch();
  await writeManifest(directory, named);
  const path = join(directory, "manifest.json");
  writeFileSync(path, change(readFileSync(path, "utf8").split("\n")).join("\n"));
  expect(await workspacesIn(directory)).toMatchObject([{ isForeign: true }]);
});

test("a copy of a folder that is somebody else's is not taken for this user's", async () => {
  const directory = scratch();
  const key = "c".repeat(64);
  const image = Buffer.alloc(4096);
  Buffer.from(key.slice(0, 32), "hex").copy(image, 1024 + 0x68);
  writeFileSync(join(directory, `${key}.image`), image);
  const home = scratch();
  const folders = { key, bytes: image.length, baselines: [] };
  const load = (isForeign?: true) => {
    const workspaces = [{ ...workspace, ...(isForeign && { isForeign }) }];
    const options = { ...manifest.options, workspaces };
    return loadFolders(directory, { folders, options }, openFolderImages(home));
  };
  mkdirSync(home, { recursive: true });
  expect(await load(true)).toEqual({ path: join(directory, `${key}.image`), key });
  expect(await load()).toEqual({ path: join(home, `${key}.image`), key });
});
