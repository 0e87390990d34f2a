import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Method, method } from "./method.ts";

export const fileMethods: readonly Method[] = [
  method("files.read", async ({ sdk, sandbox, directory }) => {
    const path = `${directory}/read.txt`;
    await sandbox.files.write(path, "häß");
    assert.equal(await sandbox.files.read(path), "häß");
    assert.deepEqual(
      await sandbox.files.read(path, { format: "bytes" }),
      new Uint8Array(Buffer.from("häß")),
    );
    const blob = await sandbox.files.read(path, { format: "blob" });
    assert.equal(await blob.text(), "häß");
    const stream = await sandbox.files.read(path, { format: "stream" });
    assert.equal(await new Response(stream).text(), "häß");
    await assert.rejects(sandbox.files.read(`${directory}/none`), sdk.NotFoundError);
    await sandbox.files.write(path, "");
    assert.equal(await sandbox.files.read(path), "");
  }),
  method("files.write", async ({ sandbox, directory }) => {
    const path = `${directory}/deep/er/file`;
    const info = await sandbox.files.write(path, new Blob(["blob"]));
    assert.deepEqual([info.name, info.path, info.type], ["file", path, "file"]);
    await sandbox.files.write(path, new Response("stream").body!);
    assert.equal(await sandbox.files.read(path), "stream");
    await sandbox.files.write(path, new Uint8Array([104, 105]).buffer, { user: "root" });
    assert.equal((await sandbox.files.getInfo(path)).size, 2);
  }),
  method("files.writeFiles", async ({ sandbox, directory }) => {
    const files = ["a", "b"].map((name) => ({ path: `${directory}/${name}`, data: name }));
    const written = await sandbox.files.writeFiles(files);
    assert.deepEqual(
      written.map(({ path }) => path),
      files.map(({ path }) => path),
    );
    assert.equal(await sandbox.files.read(`${directory}/b`), "b");
  }),
  method("files.list", async ({ sdk, sandbox, directory }) => {
    await sandbox.files.write(`${directory}/one/two/three`, "");
    const names = async (depth: number): Promise<string[]> =>
      (await sandbox.files.list(directory, { depth })).map(({ name }) => name);
    assert.deepEqual(await names(1), ["one"]);
    assert.deepEqual(await names(3), ["one", "two", "three"]);
    await assert.rejects(sandbox.files.list(`${directory}/none`), sdk.NotFoundError);
  }),
  method("files.makeDir", async ({ sandbox, directory }) => {
    assert.equal(await sandbox.files.makeDir(`${directory}/new/one`), true);
    assert.equal(await sandbox.files.makeDir(`${directory}/new/one`), false);
  }),
  method("files.rename", async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/old`, "x");
    const entry = await sandbox.files.rename(`${directory}/old`, `${directory}/new`);
    assert.equal(entry.path, `${directory}/new`);
    assert.equal(await sandbox.files.exists(`${directory}/old`), false);
  }),
  method("files.remove", async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/tree/leaf`, "x");
    await sandbox.files.remove(`${directory}/tree`);
    assert.equal(await sandbox.files.exists(`${directory}/tree`), false);
  }),
  method("files.exists", async ({ sandbox, directory }) => {
    assert.equal(await sandbox.files.exists(directory), true);
    assert.equal(await sandbox.files.exists(`${directory}/none`), false);
  }),
  method("files.getInfo", async ({ sdk, sandbox, directory }) => {
    await sandbox.files.write(`${directory}/target`, "12345");
    await sandbox.commands.run(`ln -s target link`, { cwd: directory });
    const info = await sandbox.files.getInfo(`${directory}/target`);
    assert.deepEqual(
      [info.size, info.owner, info.permissions, info.type],
      [5, "user", "-rw-r--r--", "file"],
    );
    const link = await sandbox.files.getInfo(`${directory}/link`);
    assert.equal(link.symlinkTarget, `${directory}/target`);
    await assert.rejects(sandbox.files.getInfo(`${directory}/none`), sdk.NotFoundError);
  }),
  method("files.watchDir", async ({ sandbox, directory }) => {
    const seen: string[] = [];
    const watch = await sandbox.files.watchDir(
      directory,
      ({ type, name }) => void seen.push(`${type} ${name}`),
      { recursive: true },
    );
    await sandbox.files.write(`${directory}/watched`, "x");
    for (let tries = 0; !seen.includes("create watched"); tries++) {
      assert(tries < 100, `there is no event: ${seen.join(", ")}`);
      await delay(100);
    }
    await watch.stop();
  }),
];
