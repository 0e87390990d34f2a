import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve, type ServedSandbox } from "./support/sandbox.ts";
import { sdks } from "./support/sdks.ts";

let served: ServedSandbox;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served[Symbol.asyncDispose]());

const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256);

describe.each(Object.entries(sdks))("files of e2b %s", (version, sdk) => {
  const directory = `/home/user/sdk-${version}`;
  const open = (): ReturnType<ServedSandbox["open"]> => served.open(sdk);

  test("are written and read in every form", async () => {
    const { files } = await open();
    const written = await files.write(`${directory}/text`, "héllo\n");
    expect(written).toMatchObject({ name: "text", type: "file", path: `${directory}/text` });
    expect(await files.read(`${directory}/text`)).toBe("héllo\n");
    expect(await files.read(`${directory}/text`, { gzip: true })).toBe("héllo\n");
    await files.write(`${directory}/bytes`, bytes.buffer);
    expect(await files.read(`${directory}/bytes`, { format: "bytes" })).toEqual(bytes);
    await files.write(`${directory}/blob`, new Blob([bytes]));
    const blob = await files.read(`${directory}/blob`, { format: "blob" });
    expect(blob.size).toBe(bytes.length);
    await files.write(`${directory}/stream`, new Blob([bytes]).stream());
    let received = 0;
    for await (const chunk of await files.read(`${directory}/stream`, { format: "stream" }))
      received += chunk.length;
    expect(received).toBe(bytes.length);
    await files.write(`${directory}/gzip`, "squeezed ".repeat(1000), { gzip: true });
    expect(await files.read(`${directory}/gzip`)).toBe("squeezed ".repeat(1000));
    await files.write(`${directory}/octets`, "as octets", { useOctetStream: true });
    expect(await files.read(`${directory}/octets`)).toBe("as octets");
    await files.write(`${directory}/empty`, "");
    expect(await files.read(`${directory}/empty`)).toBe("");
    expect(await files.read(`${directory}/empty`, { format: "bytes" })).toHaveLength(0);
  });

  test("are written together", async () => {
    const { files } = await open();
    const entries = [
      { path: `${directory}/many/a`, data: "a" },
      { path: `${directory}/many/b`, data: new Blob(["bb"]) },
    ];
    expect((await files.write(entries)).map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await files.writeFiles(entries)).map(({ path }) => path)).toEqual(
      entries.map(({ path }) => path),
    );
    expect(await files.write([])).toEqual([]);
  });

  test("are listed, described, moved and removed", async () => {
    const { files } = await open();
    expect(await files.makeDir(`${directory}/tree/deep`)).toBe(true);
    expect(await files.makeDir(`${directory}/tree/deep`)).toBe(false);
    await files.write(`${directory}/tree/deep/file`, "12345");
    await (
      await open()
    ).commands.run(`ln -sf deep/file link; chmod 640 deep/file`, {
      cwd: `${directory}/tree`,
    });
    const listed = await files.list(`${directory}/tree`, { depth: 2 });
    expect(listed.map(({ path }) => path.slice(directory.length))).toEqual([
      "/tree/deep",
      "/tree/deep/file",
      "/tree/link",
    ]);
    expect(await files.getInfo(`${directory}/tree/deep/file`)).toMatchObject({
      name: "file",
      type: "file",
      size: 5,
      mode: 0o640,
      permissions: "-rw-r-----",
      owner: "user",
      group: "user",
    });
    expect(await files.getInfo(`${directory}/tree/link`)).toMatchObject({
      symlinkTarget: `${directory}/tree/deep/file`,
      permissions: "Lrwxrwxrwx",
    });
    const moved = await files.rename(`${directory}/tree/deep`, `${directory}/tree/not/deep`);
    expect(moved).toMatchObject({ name: "deep", type: "dir", permissions: "drwxr-xr-x" });
    expect(await files.exists(`${directory}/tree/deep`)).toBe(false);
    expect(await files.exists(`${directory}/tree/not/deep/file`)).toBe(true);
    await files.remove(`${directory}/tree`);
    await files.remove(`${directory}/tree`);
    expect(await files.exists(`${directory}/tree`)).toBe(false);
  });

  test("keep metadata", async () => {
    const { files } = await open();
    const metadata = { Source: "a test" };
    const written = await files.write(`${directory}/noted`, "x", { metadata });
    expect(written.metadata).toEqual({ source: "a test" });
    expect((await files.getInfo(`${directory}/noted`)).metadata).toEqual({ source: "a test" });
    await (
      await open()
    ).commands.run("setfattr -n user.e2b.by-hand -v yes noted", { cwd: directory });
    expect((await files.list(directory)).find(({ name }) => name === "noted")?.metadata).toEqual({
      source: "a test",
      "by-hand": "yes",
    });
  });

  test("are those of the user asked for", async () => {
    const { files, commands } = await open();
    await files.write("whose", "root's", { user: "root" });
    // E2B's agent opens as root what a client names. Here, a link is followed by whom the request names.
    await commands.run("chmod 600 /root/whose", { user: "root" });
    expect(await files.read("/root/whose")).toBe("root's");
    await commands.run(`ln -sf /root/whose ${directory}/link`);
    await expect(files.read(`${directory}/link`)).rejects.toThrow();
    expect(await files.getInfo("/root/whose")).toMatchObject({ owner: "root" });
    expect(await files.read("whose", { user: "root" })).toBe("root's");
    expect(await files.exists("whose")).toBe(false);
    const stranger = files.list(".", { user: "stranger" });
    await expect(stranger).rejects.toThrow(sdk.AuthenticationError);
    await expect(stranger).rejects.toThrow("invalid username: 'stranger'");
    await expect(files.read("whose", { user: "stranger" })).rejects.toThrow(
      sdk.AuthenticationError,
    );
  });

  test("fail with the SDK's own errors", async () => {
    const { files } = await open();
    const missing = files.read(`${directory}/nowhere`);
    await expect(missing).rejects.toThrow(sdk.NotFoundError);
    await expect(missing).rejects.toThrow(`path '${directory}/nowhere' does not exist`);
    await expect(files.list(`${directory}/nowhere`)).rejects.toThrow(sdk.NotFoundError);
    await expect(files.getInfo(`${directory}/nowhere`)).rejects.toThrow(sdk.NotFoundError);
    await expect(files.rename(`${directory}/nowhere`, "x")).rejects.toThrow(sdk.NotFoundError);
    await expect(files.read(directory)).rejects.toThrow(sdk.InvalidArgumentError);
    await files.write(`${directory}/plain`, "");
    await expect(files.list(`${directory}/plain`)).rejects.toThrow(sdk.InvalidArgumentError);
    await expect(files.makeDir(`${directory}/plain`)).rejects.toThrow(sdk.InvalidArgumentError);
  });

  test("do not fit on a full disk", async () => {
    const { files, commands } = await open();
    const mount =
      "mkdir -p /mnt/small; mountpoint -q /mnt/small || mount -t tmpfs -o size=1m none /mnt/small";
    await commands.run(mount, { user: "root" });
    const large = files.write("/mnt/small/large", new Blob([new Uint8Array(3_000_000)]));
    await expect(large).rejects.toThrow(sdk.NotEnoughSpaceError);
    expect(await files.exists("/mnt/small/large")).toBe(false);
  });

  test("are watched", async () => {
    const { files } = await open();
    const watched = `${directory}/watched`;
    await files.makeDir(watched);
    const events: string[] = [];
    const handle = await files.watchDir(
      watched,
      ({ type, name }) => void events.push(`${type} ${name}`),
    );
    await files.write(`${watched}/one`, "1");
    await files.rename(`${watched}/one`, `${watched}/two`);
    await files.remove(`${watched}/two`);
    await expect.poll(() => events.at(-1)).toBe("remove two");
    await handle.stop();
    for (const event of ["create one", "write one", "rename one", "create two"])
      expect(events).toContain(event);
  });

  test("are watched further down, with entries, until the directory is removed", async () => {
    const { files } = await open();
    const watched = `${directory}/watched-deep`;
    await files.makeDir(`${watched}/a`);
    const events: { type: string; name: string; size: number | undefined }[] = [];
    const exited = Promise.withResolvers<Error | undefined>();
    await files.watchDir(
      watched,
      ({ type, name, entry }) => void events.push({ type, name, size: entry?.size }),
      {
        recursive: true,
        includeEntry: true,
        allowNetworkMounts: true,
        onExit: (error) => exited.resolve(error),
      },
    );
    await files.write(`${watched}/a/b/file`, "12345");
    await expect.poll(() => events).toContainEqual({ type: "write", name: "a/b/file", size: 5 });
    await files.remove(watched);
    expect(await exited.promise).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "remove", name: "." });
  });

  test("cannot be watched where there is no directory, and not for longer than allowed", async () => {
    const { files } = await open();
    const nowhere = files.watchDir(`${directory}/nowhere`, () => {});
    await expect(nowhere).rejects.toThrow(sdk.NotFoundError);
    const exited = Promise.withResolvers<Error | undefined>();
    const options = { timeoutMs: 1000, onExit: (error?: Error) => exited.resolve(error) };
    await files.watchDir(directory, () => {}, options);
    expect(await exited.promise).toBeInstanceOf(sdk.TimeoutError);
  });

  test("have URLs that anyone can use, for a time", async () => {
    const sandbox = await open();
    const path = `${directory}/by-url`;
    const form = new FormData();
    form.append("file", new Blob(["by form"]), "ignored");
    const upload = await sandbox.uploadUrl(path, { useSignatureExpiration: 120 });
    expect((await fetch(upload, { method: "POST", body: form })).status).toBe(200);
    const download = await sandbox.downloadUrl(path, { useSignatureExpiration: 120 });
    expect(await (await fetch(download)).text()).toBe("by form");
    expect(await (await fetch(await sandbox.downloadUrl(path))).text()).toBe("by form");
    const asRoot = await sandbox.downloadUrl("by-nobody", { user: "root" });
    expect((await fetch(asRoot)).status).toBe(404);
    const old = await fetch(await sandbox.downloadUrl(path, { useSignatureExpiration: -10 }));
    expect([old.status, await old.json()]).toEqual([
      401,
      { code: 401, message: "signature is already expired" },
    ]);
    for (const [from, to] of [
      ["by-url", "plain"],
      ["signature=v1_", "signature=v1_A"],
      [/signature_expiration=\d+/, "signature_expiration=99999999999"],
    ] as const) {
      const forged = await fetch(download.replace(from, to));
      expect([forged.status, await forged.json()]).toEqual([
        401,
        { code: 401, message: "invalid signature" },
      ]);
    }
    const wrongWay = await fetch(download, { method: "POST", body: form });
    expect(wrongWay.status).toBe(401);
  });
});
