import { delay, type Harness } from "../harness.ts";

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

export function describeFiles({ expect, behaviour, failure }: Harness): void {
  behaviour("files.text", async (sandbox) => {
    const written = await sandbox.files.write("/tmp/text", "hällo\n😀");
    expect(written).toMatchObject({ path: "/tmp/text", name: "text", type: "file" });
    expect(await sandbox.files.read("/tmp/text")).toBe("hällo\n😀");
    await sandbox.files.write("/tmp/text", "");
    expect(await sandbox.files.read("/tmp/text")).toBe("");
  });

  behaviour("files.binary", async (sandbox) => {
    for (const data of [everyByte, everyByte.slice().buffer, new Blob([everyByte])]) {
      await sandbox.files.write("/tmp/bytes", data);
      expect(
        Buffer.from(await sandbox.files.read("/tmp/bytes", { format: "bytes" })).equals(everyByte),
      ).toBe(true);
    }
    const blob = await sandbox.files.read("/tmp/bytes", { format: "blob" });
    expect(Buffer.from(await blob.arrayBuffer()).equals(everyByte)).toBe(true);
  });

  behaviour("files.stream", async (sandbox) => {
    const size = 3_000_000;
    await sandbox.files.write("/tmp/stream", new Blob([new Uint8Array(size).fill(7)]).stream());
    let received = 0;
    for await (const chunk of await sandbox.files.read("/tmp/stream", { format: "stream" })) {
      received += chunk.every((byte) => byte === 7) ? chunk.length : 0;
    }
    expect(received).toBe(size);
  });

  behaviour("files.batch-write", async (sandbox) => {
    const files = Array.from({ length: 50 }, (_, index) => ({
      path: `/tmp/batch/${index}.txt`,
      data: `content ${index}`,
    }));
    const written = await sandbox.files.write(files);
    expect(written.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    expect((await sandbox.files.list("/tmp/batch")).length).toBe(50);
    expect(await sandbox.files.read("/tmp/batch/49.txt")).toBe("content 49");
  });

  behaviour("files.batch-read", async (sandbox) => {
    const files = Array.from({ length: 300 }, (_, index) => ({
      path: `/tmp/many/${index}`,
      data: String(index).repeat(index),
    }));
    const large = { path: "/tmp/many/large", data: "x".repeat(300_000) };
    await sandbox.files.write([...files, large]);
    await sandbox.commands.run("ln -s 7 /tmp/many/link");
    const paths = [...files, large, files[1]!].map(({ path }) => path);
    const texts = await sandbox.files.read([...paths, "/tmp/many/link"]);
    expect(texts).toEqual([...files, large, files[1]!, files[7]!].map(({ data }) => data));
    const bytes = await sandbox.files.read(paths, { format: "bytes" });
    expect(bytes.every((one, index) => Buffer.from(one).toString() === texts[index])).toBe(true);
    const error = await failure(
      sandbox.files.read(["/tmp/many/1", "/tmp/nowhere"]),
      "file_not_found",
    );
    expect(error.message).toContain("/tmp/nowhere");
    await failure(sandbox.files.read(["/tmp/many/1", "/tmp/many"]), "invalid_argument");
  });

  behaviour("files.parents", async (sandbox) => {
    await sandbox.files.write("/tmp/parents/a/b/c", "deep");
    expect(await sandbox.files.read("/tmp/parents/a/b/c")).toBe("deep");
  });

  behaviour("files.replace", async (sandbox) => {
    await sandbox.files.write("/tmp/replace", "a longer text");
    await sandbox.files.write("/tmp/replace", "short");
    expect(await sandbox.files.read("/tmp/replace")).toBe("short");
  });

  behaviour("files.relative", async (sandbox) => {
    await sandbox.files.write("relative.txt", "at home");
    expect((await sandbox.commands.run("cat ~/relative.txt")).stdout).toBe("at home");
  });

  behaviour("files.names", async (sandbox) => {
    const names = [
      "with space",
      `quo"te'd`,
      "ünï 中文 😀",
      "percent%22%",
      "back\\slash",
      "-dash",
      "line\nbreak",
    ];
    const files = names.map((name) => ({ path: `/tmp/names/${name}`, data: name }));
    await sandbox.files.write(files);
    const listed = await sandbox.files.list("/tmp/names");
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    for (const { path, data } of files) expect(await sandbox.files.read(path)).toBe(data);
  });

  behaviour("files.list", async (sandbox) => {
    await sandbox.files.write([
      { path: "/tmp/tree/file", data: "1" },
      { path: "/tmp/tree/dir/inner", data: "2" },
    ]);
    const paths = async (depth?: number): Promise<string[]> =>
      (await sandbox.files.list("/tmp/tree", { depth })).map(({ path }) => path).toSorted();
    expect(await paths()).toEqual(["/tmp/tree/dir", "/tmp/tree/file"]);
    expect(await paths(2)).toEqual(["/tmp/tree/dir", "/tmp/tree/dir/inner", "/tmp/tree/file"]);
    await failure(sandbox.files.list("/tmp/nowhere"), "file_not_found");
  });

  behaviour("files.info", async (sandbox) => {
    await sandbox.files.write("/tmp/info", "12345");
    const info = await sandbox.files.getInfo("/tmp/info");
    expect(info).toMatchObject({
      name: "info",
      type: "file",
      path: "/tmp/info",
      size: 5,
      mode: 0o644,
      permissions: "-rw-r--r--",
    });
    expect(info.owner.length).toBeGreaterThan(0);
    expect(info.modifiedTime instanceof Date).toBe(true);
    expect((await sandbox.files.getInfo("/tmp")).type).toBe("dir");
    await sandbox.commands.run("ln -sf /tmp/info /tmp/link");
    expect((await sandbox.files.getInfo("/tmp/link")).symlinkTarget).toBe("/tmp/info");
  });

  behaviour("files.make-dir", async (sandbox) => {
    const made = [
      await sandbox.files.makeDir("/tmp/made/deep"),
      await sandbox.files.makeDir("/tmp/made/deep"),
    ];
    expect(made).toEqual([true, false]);
    expect((await sandbox.files.getInfo("/tmp/made/deep")).type).toBe("dir");
  });

  behaviour("files.rename", async (sandbox) => {
    await sandbox.files.write("/tmp/rename/from", "moved");
    expect((await sandbox.files.rename("/tmp/rename/from", "/tmp/rename/to")).path).toBe(
      "/tmp/rename/to",
    );
    expect(await sandbox.files.read("/tmp/rename/to")).toBe("moved");
    await failure(sandbox.files.rename("/tmp/rename/from", "/tmp/rename/again"), "file_not_found");
  });

  behaviour("files.remove", async (sandbox) => {
    await sandbox.files.write("/tmp/remove/a/b", "x");
    await sandbox.files.remove("/tmp/remove");
    expect(await sandbox.files.exists("/tmp/remove")).toBe(false);
    await sandbox.files.remove("/tmp/remove");
  });

  behaviour("files.exists", async (sandbox) => {
    expect([
      await sandbox.files.exists("/tmp"),
      await sandbox.files.exists("/tmp/nowhere"),
    ]).toEqual([true, false]);
  });

  behaviour("files.not-found", async (sandbox) => {
    const error = await failure(sandbox.files.read("/tmp/nowhere"), "file_not_found");
    expect(error.message).toContain("/tmp/nowhere");
    await failure(sandbox.files.getInfo("/tmp/nowhere"), "file_not_found");
    await failure(sandbox.files.read("/tmp"), "invalid_argument");
  });

  behaviour("files.write-linked", async (sandbox) => {
    await sandbox.commands.run(
      "echo old > /tmp/everybodys; chmod 666 /tmp/everybodys; mkdir /tmp/links; chmod 777 /tmp/links",
      { user: "root" },
    );
    await sandbox.commands.run("ln -s /tmp/everybodys /tmp/links/link");
    await sandbox.files.write("/tmp/links/link", "new");
    expect(
      (await sandbox.commands.run("cat /tmp/everybodys; stat -c ' %U' /tmp/everybodys")).stdout,
    ).toBe("new root\n");
  });

  behaviour("files.user", async (sandbox) => {
    await sandbox.files.write("/root/secret", "root's", { user: "root" });
    expect(await sandbox.files.read("/root/secret", { user: "root" })).toBe("root's");
    const owners = await sandbox.commands.run("id -un; cat /root/secret");
    expect(owners.exitCode).toBe(1);
    await failure(sandbox.files.read("/tmp", { user: "nobody-of-that-name" }), "invalid_argument");
  });

  behaviour("files.metadata", async (sandbox) => {
    const metadata = { "made-by": "a test", Empty: "" };
    for (const path of ["/home/user/noted", '/home/user/not"ed']) {
      await sandbox.files.write(path, "text", { metadata });
      const kept = { "made-by": "a test", empty: "" };
      expect((await sandbox.files.getInfo(path)).metadata).toEqual(kept);
      const listed = await sandbox.files.list("/home/user");
      expect(listed.find((entry) => entry.path === path)?.metadata).toEqual(kept);
      await sandbox.files.write(path, "again", { metadata: { other: "1" } });
      expect((await sandbox.files.getInfo(path)).metadata).toEqual({ other: "1" });
      await sandbox.files.write(path, "without");
      expect((await sandbox.files.getInfo(path)).metadata).toEqual({});
    }
    await failure(sandbox.files.write("/tmp/x", "", { metadata: { a: "é" } }), "invalid_argument");
  });

  behaviour("files.url", async (sandbox) => {
    const path = "/home/user/by url";
    const upload = await sandbox.uploadUrl(path);
    const headers = { "Content-Type": "application/octet-stream" };
    const sent = await fetch(upload, { method: "POST", headers, body: "through a URL" });
    expect(sent.status).toBe(200);
    const download = await sandbox.downloadUrl(path, { useSignatureExpiration: 60 });
    expect(await (await fetch(download)).text()).toBe("through a URL");
    expect((await fetch(download, { method: "POST", headers, body: "" })).status).toBe(401);
    expect((await fetch(download.replace("by", "of"))).status).toBe(401);
    const short = await sandbox.downloadUrl(path, { useSignatureExpiration: 1 });
    await delay(2100);
    expect((await fetch(short)).status).toBe(401);
  });

  behaviour("files.bad-path", async (sandbox) => {
    for (const path of ["", "a/../b", "..", "a\0b", `/${"x".repeat(4095)}`]) {
      await failure(sandbox.files.read(path), "invalid_path");
      await failure(sandbox.files.write(path, "x"), "invalid_path");
      await failure(sandbox.files.remove(path), "invalid_path");
    }
  });

  behaviour("files.aborted", async (sandbox) => {
    const reason = new Error("no");
    const signal = AbortSignal.abort(reason);
    expect(
      await sandbox.files.write("/tmp/aborted", "x", { signal }).catch((error: unknown) => error),
    ).toBe(reason);
    expect(await sandbox.files.exists("/tmp/aborted")).toBe(false);
    const controller = new AbortController();
    const endless = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.enqueue(new Uint8Array(1000)),
    });
    setTimeout(() => controller.abort(reason), 200);
    const upload = sandbox.files.write("/tmp/endless", endless, { signal: controller.signal });
    expect(await upload.catch((error: unknown) => error)).toBe(reason);
    await sandbox.files.remove("/tmp/endless");
  });

  behaviour("files.seen-by-code", async (sandbox) => {
    await sandbox.runCode("open('/tmp/by-code', 'w').write('from code')");
    expect(await sandbox.files.read("/tmp/by-code")).toBe("from code");
    expect((await sandbox.commands.run("cat /tmp/by-code")).stdout).toBe("from code");
  });
}
