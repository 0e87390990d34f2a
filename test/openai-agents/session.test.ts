import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmberboxSandboxClient, type EmberboxSandboxSession } from "@emberbox/openai-agents";
import { InMemoryRemoteSnapshotStore, Manifest } from "@openai/agents-core/sandbox";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { provider } from "../support/sandboxes.ts";

const client = new EmberboxSandboxClient({ provider });
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
let session: EmberboxSandboxSession;

beforeAll(async () => {
  session = await client.create({
    manifest: new Manifest({
      entries: {
        "notes/todo.txt": { type: "file", content: "write tests\n", permissions: 0o640 },
        bin: { type: "local_dir", src: import.meta.dirname },
        "deep/er/dir": { type: "dir" },
        "plain.txt": { type: "file", content: "" },
        empty: { type: "dir", ephemeral: true },
      },
      environment: { COLOUR: "blue" },
      users: ["guest"],
      extraPathGrants: [{ path: "/etc", readOnly: true }],
    }),
  });
});
afterAll(() => session?.delete());

/** The number that a command left running is known by. */
const sessionId = (text: string): number => Number(/session ID (\d+)/.exec(text)?.[1]);

describe("a session of the OpenAI Agents SDK", () => {
  test("has the manifest's workspace, users and variables", async () => {
    const { stdout, exitCode } = await session.exec({
      cmd: "pwd; echo $COLOUR; stat -c %a notes/todo.txt; cat notes/todo.txt; ls -d empty; ls bin; id -un",
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("/workspace\nblue\n640\nwrite tests\nempty\n");
    expect(stdout).toContain("session.test.ts");
    const guest = await session.exec({ cmd: "id -un", runAs: "guest" });
    expect(guest.stdout).toBe("guest\n");
  });

  test("has the framework's modes, and leaves what is the machine's", async () => {
    const { stdout } = await session.exec({
      cmd: "stat -c '%a %U' plain.txt / deep/er; sudo -u guest touch by-guest && stat -c %U by-guest",
    });
    expect(stdout).toBe("755 user\n755 root\n755 user\nguest\n");
  });

  test("that a program serialized goes on after it was closed", async () => {
    const baseDir = mkdtempSync(join(tmpdir(), "emberbox-kept-"));
    vi.stubEnv("OPENAI_AGENTS_SANDBOX_SNAPSHOT_DIR", ` ${baseDir} `);
    const options = { exposedPorts: [8124, 8125] };
    const kept = await client.create({ options });
    expect(Object.keys(kept.state.exposedPorts!)).toEqual(["8124", "8125"]);
    await expect(kept.resolveExposedPort(8126)).rejects.toMatchObject({
      message: expect.stringContaining("8124, 8125"),
      code: "configuration_error",
    });
    await kept.exec({ cmd: "echo kept > file.txt" });
    const saved = JSON.parse(JSON.stringify(await client.serializeSessionState(kept.state)));
    await kept.close();
    vi.unstubAllEnvs();
    expect(readdirSync(baseDir)).toEqual([`${saved.snapshot.id}.tar`]);
    // Where it is kept is known from the state, which was saved by somebody who said so.
    const state = await client.deserializeSessionState({
      ...saved,
      snapshotSpec: { type: "local", baseDir },
    });
    const resumed = await client.resume(state);
    try {
      expect(resumed.state.snapshotSpec).toEqual({ type: "local", baseDir });
      expect(resumed.state.exposedPorts).toHaveProperty("8124.host");
      await expect(resumed.resolveExposedPort(8126)).rejects.toThrow("8124, 8125");
      expect(resumed.sandbox.sandboxId).not.toBe(kept.sandbox.sandboxId);
      expect((await resumed.exec({ cmd: "cat file.txt" })).stdout).toBe("kept\n");
      const archive = await resumed.persistWorkspace();
      await resumed.exec({ cmd: "echo stale > stale.txt; rm file.txt" });
      await resumed.hydrateWorkspace(archive);
      expect((await resumed.exec({ cmd: "ls -A" })).stdout).toBe("file.txt\n");
    } finally {
      await client.delete(resumed.state);
    }
    expect(readdirSync(baseDir)).toEqual([]);
    rmSync(baseDir, { recursive: true });
  });

  test("tells standard output, errors and exit codes apart", async () => {
    const result = await session.exec({ cmd: "echo out; echo err >&2; exit 3", workdir: "/tmp" });
    expect(result).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 3 });
    expect(await session.execCommand({ cmd: "echo $0", shell: "/bin/sh", login: false })).toMatch(
      /exited with code 0\nOutput:\n\/bin\/sh/,
    );
    const missing = await session.execCommand({ cmd: "true", workdir: "nowhere" });
    expect(missing).toMatch(/exited with code 1[\s\S]*nowhere/);
    const long = await session.exec({ cmd: "seq 1 20000", maxOutputTokens: 100 });
    expect(long.output.length).toBeLessThan(600);
    expect(long.originalTokenCount).toBeGreaterThan(20_000);
  });

  test("leaves a command running after the yield time, reads on, writes to it and interrupts it", async () => {
    const started = await session.execCommand({ cmd: "echo begun; cat", yieldTimeMs: 3000 });
    expect(started).toContain("begun");
    const id = sessionId(started);
    const answered = await session.writeStdin({
      sessionId: id,
      chars: "hello\n",
      yieldTimeMs: 1500,
    });
    expect(answered).toMatch(/session ID \d+[\s\S]*hello/);
    const ended = await session.writeStdin({ sessionId: id, chars: "\u0003", yieldTimeMs: 10_000 });
    expect(ended).toContain("exited with code");
    expect(await session.writeStdin({ sessionId: id })).toContain(`session not found: ${id}`);
  });

  test("has terminals", async () => {
    const started = await session.execCommand({
      cmd: "stty size; tty; sleep 300",
      tty: true,
      yieldTimeMs: 4000,
    });
    expect(started).toMatch(/24 80\r?\n\/dev\/pts/);
    const ended = await session.writeStdin({
      sessionId: sessionId(started),
      chars: "\u0003",
      yieldTimeMs: 10_000,
    });
    expect(ended).toContain("exited with code");
  });

  test("ends a command at its time limit, and says so", async () => {
    const limited = await client.create({ options: { commandTimeoutMs: 1500 } });
    try {
      const text = await limited.execCommand({ cmd: "echo begun; sleep 60", yieldTimeMs: 20_000 });
      expect(text).toMatch(/exited with code 124[\s\S]*begun[\s\S]*time limit of 1500 ms/);
    } finally {
      await limited.delete();
      await limited.delete();
    }
    expect(await limited.running()).toBe(false);
  });

  test("edits files", async () => {
    const editor = session.createEditor();
    await editor.createFile({ type: "create_file", path: "src/a.txt", diff: "+one\n+two\n" });
    await editor.updateFile({
      type: "update_file",
      path: "src/a.txt",
      diff: "@@\n one\n-two\n+2\n",
      moveTo: "src/b.txt",
    });
    expect(Buffer.from(await session.readFile({ path: "src/b.txt" })).toString()).toBe("one\n2\n");
    expect(await session.pathExists("src/a.txt")).toBe(false);
    const wrong = editor.updateFile({
      type: "update_file",
      path: "src/b.txt",
      diff: "@@\n-three\n",
    });
    await expect(wrong).rejects.toThrow("three");
    await editor.deleteFile({ type: "delete_file", path: "src/b.txt" });
    await expect(
      editor.createFile({ type: "create_file", path: "/etc/motd", diff: "+x" }),
    ).rejects.toThrow("read-only");
  });

  test("reads files, directories and pictures", async () => {
    await session.sandbox.files.write("/workspace/p.png", Buffer.from(PNG, "base64"));
    expect(await session.viewImage({ path: "p.png" })).toMatchObject({ type: "image" });
    await session.sandbox.commands.run(
      `cd /workspace; python3 -c "from PIL import Image; Image.new('RGB', (2500, 100)).save('wide.bmp')"; printf 'BM' > cut.bmp`,
    );
    expect(await session.viewImage({ path: "wide.bmp" })).toMatchObject({
      image: { mediaType: "image/png" },
    });
    await expect(session.viewImage({ path: "cut.bmp" })).rejects.toThrow("damaged");
    await expect(session.viewImage({ path: "none.png" })).rejects.toThrow("not found");
    await expect(session.viewImage({ path: "notes" })).rejects.toThrow("not a file");
    await expect(session.viewImage({ path: "notes/todo.txt" })).rejects.toThrow(
      /supported image|unsupported image/,
    );
    expect(await session.listDir({ path: "notes" })).toEqual([
      { name: "todo.txt", path: "notes/todo.txt", type: "file" },
    ]);
    expect((await session.readFile({ path: "notes/todo.txt", maxBytes: 5 })).length).toBe(5);
    expect(await session.directoryExists("notes")).toBe(true);
    expect(await session.directoryExists("notes/todo.txt")).toBe(false);
    expect((await session.readFile({ path: "/etc/hostname" })).length).toBeGreaterThan(0);
    await expect(session.readFile({ path: "/root/secret" })).rejects.toThrow("escapes");
    await expect(session.readFile({ path: "none" })).rejects.toMatchObject({
      code: "workspace_read_not_found",
    });
  });

  test("takes more entries while it runs", async () => {
    await session.materializeEntry({
      path: "late",
      entry: {
        type: "dir",
        children: { "x.sh": { type: "file", content: "echo x", permissions: 0o755 } },
      },
    });
    await session.applyManifest(
      new Manifest({
        entries: { "more.txt": { type: "file", content: "more" } },
        environment: { SIZE: "xl" },
      }),
    );
    const { stdout } = await session.exec({ cmd: "./late/x.sh; cat more.txt; echo $COLOUR$SIZE" });
    expect(stdout).toBe("x\nmorebluexl\n");
  });

  test("clones repositories inside", async () => {
    const { exitCode } = await session.exec({
      cmd: "git init -q /tmp/repo && cd /tmp/repo && mkdir lib && echo code > lib/x && git add . && git -c user.name=a -c user.email=a@b commit -qm one",
    });
    expect(exitCode).toBe(0);
    const repo = "file:///tmp/repo";
    await session.materializeEntry({ path: "all", entry: { type: "git_repo", repo } });
    await session.materializeEntry({
      path: "part",
      entry: { type: "git_repo", repo, subpath: "lib" },
    });
    expect((await session.exec({ cmd: "cat all/lib/x part/x" })).stdout).toBe("code\ncode\n");
    const missing = { type: "git_repo", repo: "file:///tmp/none" } as const;
    await expect(session.materializeEntry({ path: "none", entry: missing })).rejects.toThrow(
      "could not be cloned",
    );
  });

  test("opens ports", async () => {
    await session.exec({
      cmd: "echo served > index.html; python3 -m http.server 8123",
      yieldTimeMs: 2000,
    });
    const { host, port, tls } = await session.resolveExposedPort(8123);
    await expect
      .poll(async () => (await fetch(`http${tls === true ? "s" : ""}://${host}:${port}/`)).text(), {
        timeout: 30_000,
        interval: 500,
      })
      .toBe("served\n");
    expect(session.state.exposedPorts).toHaveProperty("8123");
    // Another program has addresses of its own.
    const saved = JSON.parse(JSON.stringify(session.state.exposedPorts));
    saved["8123"].port = 1;
    const state = { ...session.state, exposedPorts: saved };
    const resumed = await client.resume(state);
    expect(resumed.state.exposedPorts).toEqual(session.state.exposedPorts);
  });

  test("goes on from an archive when its sandbox is gone, and not when that is gone too", async () => {
    const store = new InMemoryRemoteSnapshotStore();
    const spec = { type: "remote", store, id: "kept", metadata: { for: "test" } };
    const keeping = new EmberboxSandboxClient({ provider, snapshot: { type: "remote", store } });
    const manifest = new Manifest({
      entries: { cache: { type: "dir", ephemeral: true } },
      environment: { TOKEN: { value: "secret-1", ephemeral: true } },
    });
    const limits = { concurrencyLimits: { manifestEntries: 1, localDirFiles: 1 } };
    const first = await keeping.create({ manifest, snapshot: spec, ...limits });
    await first.exec({
      cmd: "echo kept > a.txt; chmod 600 a.txt; echo gone > cache/b; ln -s a.txt link",
    });
    expect(keeping.canPersistOwnedSessionState(first.state)).toBe(true);
    const record = await keeping.serializeSessionState(first.state, {
      willCloseAfterSerialize: true,
    });
    await first.shutdown();
    await first.delete();
    expect(JSON.stringify(record)).not.toContain("secret-1");
    expect(record).toMatchObject({
      snapshot: { type: "remote", id: "kept" },
      snapshotSpec: { type: "remote", id: "kept", metadata: { for: "test" } },
    });

    const state = await keeping.deserializeSessionState(JSON.parse(JSON.stringify(record)));
    const second = await keeping.resume(state);
    try {
      // The store is the client's; what else there is to it was saved.
      expect(second.state.snapshotSpec).toEqual(spec);
      const { stdout } = await second.exec({
        cmd: "stat -c %a:%U a.txt; cat link; ls cache | wc -l",
      });
      expect(stdout).toBe("600:user\nkept\n0\n");
    } finally {
      await keeping.delete(second.state);
    }
    const again = await keeping.deserializeSessionState(JSON.parse(JSON.stringify(record)));
    await expect(keeping.resume(again)).rejects.toMatchObject({ code: "snapshot_not_restorable" });
  });

  test("a session that cannot be made ready leaves no sandbox", async () => {
    const before = (await provider.list()).length;
    const manifest = new Manifest({ entries: { x: { type: "local_dir", src: "/nowhere" } } });
    await expect(client.create({ manifest })).rejects.toThrow("outside of the program");
    expect((await provider.list()).length).toBe(before);
  });

  test("works in a sandbox that was given, and leaves it alone", async () => {
    const given = new EmberboxSandboxClient({ sandbox: session.sandbox });
    const other = await given.create();
    expect((await other.exec({ cmd: "cat notes/todo.txt" })).stdout).toBe("write tests\n");
    await other.shutdown();
    await other.delete();
    expect(await session.running()).toBe(true);
  });
});
