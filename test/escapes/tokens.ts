import { randomBytes } from "node:crypto";
import { Sandbox } from "@emberbox/core";
import type { Attempt } from "./attempt.ts";
import type { Outcome, World } from "./world.ts";

/**
 * Looks through all of the machine's memory for texts. Of each it knows one half as it is, and the other only
 * disguised: so it does not find itself.
 */
const SCAN = `
import os, struct, sys
wanted = [(half.encode(), bytes.fromhex(rest)) for half, rest in (each.split(":") for each in sys.argv[1:])]
counts, read = [0] * len(wanted), 0
core = os.open("/proc/kcore", os.O_RDONLY)
head = os.pread(core, 64, 0)
at, size, number = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
areas = [struct.unpack("<IIQQQQQQ", os.pread(core, size, at + size * n)) for n in range(number)]
for kind, _, offset, _, physical, length, _, _ in areas:
    if kind != 1 or physical == 2 ** 64 - 1 or length < 1 << 24: continue
    for start in range(0, length, 1 << 22):
        try: chunk = os.pread(core, (1 << 22) + 64, offset + start)
        except OSError: continue
        read += min(len(chunk), 1 << 22)
        for n, (half, rest) in enumerate(wanted):
            found = chunk.find(half)
            while found >= 0:
                after = chunk[found + len(half):found + len(half) + len(rest)]
                if len(after) == len(rest) and all(a ^ b == 0xff for a, b in zip(after, rest)): counts[n] += 1
                found = chunk.find(half, found + 1)
print(read >> 20, *counts)
`;

const disguised = (text: string): string => {
  const middle = text.length / 2;
  const rest = Buffer.from(text.slice(middle)).map((byte) => byte ^ 0xff);
  return `${text.slice(0, middle)}:${Buffer.from(rest).toString("hex")}`;
};

/** Uses what opens the sandbox in every way there is, with a marker beside it that goes the same way. */
async function use(world: World, parent: Sandbox, marker: string): Promise<string> {
  const { accessToken, url } = await world.provider.connect(parent.sandboxId);
  const headers = { "x-access-token": accessToken!, "x-marker": marker };
  await parent.files.write("/tmp/signed", "signed");
  const signed = await parent.downloadUrl("/tmp/signed");
  for (let round = 0; round < 20; round++) {
    await (await fetch(`${await url!(49983)}/metrics`, { headers })).text();
    await (await fetch(`${await url!(49999)}/contexts`, { headers })).text();
    await (await fetch(`${signed}&marker=${marker}`)).text();
  }
  return accessToken!;
}

async function findIn(
  world: World,
  copyOf: (parent: Sandbox) => Promise<Sandbox>,
): Promise<Outcome> {
  await using parent = await world.create();
  const marker = randomBytes(32).toString("hex");
  const token = await use(world, parent, marker);
  const signature = new URL(await parent.downloadUrl("/tmp/signed")).searchParams.get("signature")!;
  await using copy = await copyOf(parent);
  await copy.files.write("/tmp/scan.py", SCAN);
  const texts = [marker, token, signature.slice(3, 43)].map(disguised).join(" ");
  const scan = `python3 /tmp/scan.py ${texts}`;
  const { stdout } = await copy.commands.run(scan, { user: "root", timeoutMs: 240_000 });
  const [megabytes, markers, tokens, signatures] = stdout.trim().split(" ").map(Number);
  const own = await world.provider.connect(copy.sandboxId);
  const headers = { "x-access-token": token };
  const { status } = await fetch(`${await own.url!(49983)}/metrics`, { headers });
  const delivered = `${megabytes} MiB read, a marker that went the same way found ${markers} times`;
  return {
    delivered: markers! > 0 ? delivered : "",
    seen: `${tokens} tokens, ${signatures} signatures, ${status} with the parent's token`,
  };
}

const refused = /^0 tokens, 0 signatures, 401 /;

/** By the root of a copy, who looks for what opens the sandbox that it was copied from. */
export const tokenAttempts: readonly Attempt[] = [
  {
    id: "root.parent-token",
    tries: "find the parent's token, or a signature made with it, in the memory of a fork",
    refusedBy: "the host, which lets no token in",
    refused,
    run: (world) =>
      findIn(world, async (parent) => {
        const [copy] = await parent.fork();
        if (copy instanceof Sandbox) return copy;
        throw copy!;
      }),
  },
  {
    id: "root.snapshot-token",
    tries: "find them in the memory of a sandbox that was made from a snapshot",
    refusedBy: "the host, which lets no token in",
    refused,
    run: (world) =>
      findIn(world, async (parent) => {
        const { provider } = world;
        const { snapshotId } = await parent.createSnapshot();
        try {
          return await Sandbox.create({ provider, template: snapshotId });
        } finally {
          await provider.deleteSnapshot!(snapshotId);
        }
      }),
  },
];
