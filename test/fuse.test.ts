import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sandbox } from "@emberbox/core";
import { createSandbox } from "./support/sandboxes.ts";

/** Mounts a file system for everybody, and answers what it is asked but for some operations (see `linux/fuse.h`). */
const program = `
import ctypes, os, struct, sys
path, unanswered = sys.argv[1], [int(operation) for operation in sys.argv[2:]]
fuse = os.open("/dev/fuse", os.O_RDWR)
os.makedirs(path, exist_ok=True)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"stuck", path.encode(), b"fuse", 0, options) != 0:
    raise OSError(ctypes.get_errno(), "mount")
print("mounted", flush=True)

def attributes(node):
    mode = 0o40755 if node == 1 else 0o100644
    return struct.pack("<6Q10I", node, 9, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

answers = {
    1: struct.pack("<4QII", 2, 0, 0, 0, 0, 0) + attributes(2),
    14: struct.pack("<QII", 0, 0, 0),
    26: struct.pack("<IIIIHHIIHH8I", 7, 31, 0, 0, 0, 0, 65536, 1, 0, 0, *[0] * 8),
}
while True:
    operation, number, node = struct.unpack_from("<IQQ", os.read(fuse, 1 << 20), 4)
    if operation not in unanswered:
        body = answers.get(operation, b"")
        if operation == 3:
            body = struct.pack("<QII", 0, 0, 0) + attributes(node)
        error = 0 if body else -38
        os.write(fuse, struct.pack("<IiQ", 16 + len(body), error, number) + body)
`;
const [GETATTR, READ, INIT] = [3, 15, 26];

describe("a FUSE mount whose program does not answer", () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await createSandbox();
    await sandbox.files.write("/tmp/stuck.py", program);
  });
  afterAll(() => sandbox.kill());

  async function mount(path: string, ...unanswered: number[]): Promise<void> {
    const mounted = Promise.withResolvers<void>();
    await sandbox.commands.run(`exec python3 /tmp/stuck.py ${path} ${unanswered.join(" ")}`, {
      user: "root",
      background: true,
      timeoutMs: 0,
      onStdout: () => mounted.resolve(),
      onStderr: (text) => mounted.reject(new Error(text)),
    });
    await mounted.promise;
  }

  /** Calls that began later are answered, and those that waited for the mount fail. */
  async function expectToGoOn(waiting: Promise<unknown>[]): Promise<void> {
    const settled = Promise.allSettled(waiting);
    await expect(sandbox.commands.run("echo here")).resolves.toMatchObject({ stdout: "here\n" });
    for (const each of await settled)
      expect(each).toMatchObject({ status: "rejected", reason: { code: "invalid_argument" } });
  }

  test("is given up when its directory is listed", async () => {
    await mount("/mnt/silent", INIT);
    await expectToGoOn([sandbox.files.list("/mnt/silent")]);
  });

  test("is given up when a command is to start in it", async () => {
    await mount("/mnt/lost", GETATTR);
    await expectToGoOn([sandbox.commands.run("pwd", { cwd: "/mnt/lost" })]);
  });

  test("is given up when so many files are read that no other can be", async () => {
    await mount("/mnt/unread", READ);
    await expectToGoOn(Array.from({ length: 5 }, () => sandbox.files.read("/mnt/unread/file")));
  });
});
