import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import { afterAll, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { engine, provider } from "./support/sandboxes.ts";

const host = realpathSync(mkdtempSync(join(tmpdir(), "emberbox-foreign-")));
afterAll(() => rmSync(host, { recursive: true, force: true }));

test("a snapshot of one's own has its folder, in another program too; somebody else's can only name it", async () => {
  writeFileSync(join(host, "file"), "as it was\n");
  const sandbox = await Sandbox.create({ provider, workspace: { host } });
  await sandbox.files.write(`${sandbox.workspaces[0]!.guest}/file`, "changed\n");
  const { snapshotId } = await sandbox.createSnapshot();
  await sandbox.kill();
  const other = engine();
  try {
    await using own = await Sandbox.create(snapshotId, { provider: other });
    expect((await own.workspaces[0]!.changes()).changes).toMatchObject([{ path: "file" }]);

    // As whoever makes a snapshot can write it.
    const manifest = join(paths().state, "snapshots", snapshotId, "manifest.json");
    const [sum, text] = readFileSync(manifest, "utf8").split("\n");
    writeFileSync(manifest, `${sum}\n${text}`);
    await using foreign = await Sandbox.create(snapshotId, { provider });
    const [workspace] = foreign.workspaces;
    expect(workspace).toMatchObject({ host, mode: "review" });
    expect(await foreign.files.read(`${workspace!.guest}/file`)).toBe("changed\n");
    const [copy] = await foreign.fork();
    const { checkpointId } = await foreign.checkpoint();
    const [branch] = await Sandbox.branch(foreign.sandboxId, checkpointId, { provider });
    for (const each of [foreign, copy as Sandbox, branch as Sandbox]) {
      const [folder] = each.workspaces;
      const refused = { code: "unsupported", message: expect.stringContaining("Somebody else") };
      await expect(folder!.changes()).rejects.toMatchObject(refused);
      await expect(folder!.diff()).rejects.toMatchObject(refused);
      await expect(folder!.apply()).rejects.toMatchObject(refused);
      await expect(folder!.refresh()).rejects.toMatchObject(refused);
      await expect(folder!.discard()).rejects.toMatchObject(refused);
    }
    await Promise.all([copy as Sandbox, branch as Sandbox].map((each) => each.kill()));
    expect(readdirSync(host)).toEqual(["file"]);
    expect(readFileSync(join(host, "file"), "utf8")).toBe("as it was\n");
  } finally {
    await other[Symbol.asyncDispose]();
    await Sandbox.deleteSnapshot(snapshotId, { provider });
  }
});
