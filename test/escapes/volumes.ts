import { Sandbox, Volume } from "@emberbox/core";
import type { Attempt } from "./attempt.ts";
import type { Outcome, World } from "./world.ts";

const MOUNT = "/mnt/data";

/**
 * Root stops the agent for a moment, copies its descriptor of the volumes' channel, and says in its place what no kernel
 * would: `ask(operation, node, body)` is the number of the error that the host answers with, or `closed`.
 */
const asKernel = (script: string): string => `
import os, signal, struct, subprocess, ctypes
os.stat("${MOUNT}")
agent = int(subprocess.check_output(["pgrep", "-P", "1", "-f", "agent.mjs"]))
libc = ctypes.CDLL(None, use_errno=True)
links = {n: os.readlink(f"/proc/{agent}/fd/{n}") for n in os.listdir(f"/proc/{agent}/fd")}
number = int(next(n for n, to in links.items() if to.endswith("p2") and "vport" in to))
channel = libc.syscall(438, libc.syscall(434, agent, 0), number, 0)
said = []
os.kill(agent, signal.SIGSTOP)
try:
    os.set_blocking(channel, True)
    def frame(kind, stream, payload=b""):
        os.write(channel, struct.pack(">BII", kind, stream, len(payload)) + payload)
    def read(n):
        got = b""
        while len(got) < n: got += os.read(channel, n - len(got))
        return got
    stream = 0x7ffffffe
    frame(1, stream, bytes(2))
    def ask(operation, node, body, length=None):
        length = 40 + len(body) if length is None else length
        frame(2, stream, struct.pack("<IIQQIIII", length, operation, 7, node, 0, 0, 0, 0) + body)
        while True:
            kind, to, length = struct.unpack(">BII", read(9))
            payload = read(length)
            if to == stream and kind == 3 or to == stream and kind == 4: return "closed"
            if to == stream and kind == 2:
                return -struct.unpack_from("<i", payload, 4)[0]
    ${script.trim().replaceAll("\n", "\n    ")}
finally:
    os.set_blocking(channel, False)
    os.kill(agent, signal.SIGCONT)
print("asked:", *said)
`;

async function withVolume(
  { provider }: World,
  work: (sandbox: Sandbox, volume: Volume) => Promise<Outcome>,
): Promise<Outcome> {
  const volume = await Volume.create(`escape-${Date.now()}`, { provider, sizeMB: 1 });
  try {
    await using sandbox = await Sandbox.create({ provider, volumeMounts: { [MOUNT]: volume } });
    return await work(sandbox, volume);
  } finally {
    await Volume.destroy(volume.volumeId, { provider });
  }
}

const kernel = (id: string, tries: string, script: string, refused: RegExp): Attempt => ({
  id: `volume.${id}`,
  tries,
  refusedBy: "the volume's server",
  refused,
  run: (world) =>
    withVolume(world, async (sandbox) => {
      await sandbox.files.write("/tmp/kernel.py", asKernel(script));
      const { stdout, stderr } = await sandbox.commands.run("python3 /tmp/kernel.py", {
        user: "root",
      });
      const seen = /asked: (.*)/.exec(stdout)?.[1];
      return { delivered: seen === undefined ? "" : "the host answered", seen: seen ?? stderr };
    }),
});

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (got) => `GOT ${String(got).slice(0, 50)}`,
    (error: unknown) => String((error as { code?: string }).code ?? error),
  );

/** By root of a sandbox that has a volume mounted, and by who lays traps in one. */
export const volumeAttempts: readonly Attempt[] = [
  kernel(
    "parent",
    "leave a volume by `..`, by a path, and by an absolute name",
    `for name in (b"..", b".", b"../../..", b"/etc/passwd", b""):
    said.append(ask(1, 1, name + b"\\0"))`,
    /^22 22 22 22 22$/,
  ),
  kernel(
    "link",
    "have the host follow a link out of a volume: into a directory, and to read a file",
    `said.append(ask(6, 1, b"etc\\0/etc\\0"))
said.append(ask(1, 2, b"passwd\\0"))
said.append(ask(6, 1, b"passwd\\0/etc/passwd\\0"))
said.append(ask(14, 3, struct.pack("<II", 0, 0)))`,
    /^0 20 0 [1-9]\d*$/,
  ),
  kernel(
    "numbers",
    "reach what was never given out, by numbers of nodes and handles",
    `for node in (0, 2, 99, 2**64 - 1): said.append(ask(3, node, bytes(16)))
for handle in (0, 1, 3, 2**63): said.append(ask(15, 1, struct.pack("<QQIIQII", handle, 0, 99, 0, 0, 0, 0)))`,
    /^116 116 116 116( [1-9]\d*){4}$/,
  ),
  kernel(
    "length",
    "have the host keep a request of 4 GiB",
    `said.append(ask(1, 1, b"x\\0", 2**32 - 1))`,
    /^closed$/,
  ),
  {
    id: "volume.full",
    tries: "fill the host's disk by a volume, also with files without a name",
    refusedBy: "the volume's server",
    refused: /^no space, 0 bytes$/,
    run: (world) =>
      withVolume(world, async (sandbox) => {
        const fill = `cd ${MOUNT}; for n in 1 2 3; do exec {fd}> f$n; head -c 900000 /dev/zero >&$fd; rm f$n; done 2>&1
          truncate -s 1T hole 2>&1; stat -c '%s bytes' hole`;
        const { stdout } = await sandbox.commands.run(fill);
        const seen = /No space left[^]*No space left/.test(stdout) ? "no space" : "GOT space";
        return {
          delivered: "it was written",
          seen: `${seen}, ${stdout.trim().split("\n").at(-1)}`,
        };
      }),
  },
  {
    id: "volume.trap",
    tries: "have the program read or write a file of its own by a link in a volume",
    refusedBy: "the volume's files",
    refused: /^permission_denied, invalid_path$/,
    run: (world) =>
      withVolume(world, async (sandbox, volume) => {
        const trap = `cd ${MOUNT} && ln -s ${process.cwd()}/package.json file && ln -s ${process.cwd()} dir`;
        const { exitCode } = await sandbox.commands.run(trap);
        const seen = [
          await code(volume.readFile("/file")),
          await code(volume.writeFile("/dir/escaped", "x")),
        ];
        return { delivered: exitCode === 0 ? "the trap was laid" : "", seen: seen.join(", ") };
      }),
  },
];
