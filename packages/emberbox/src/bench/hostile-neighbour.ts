import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const CALLS = 100;
/** How much has to arrive before it counts as a flood, in bytes. */
const FLOOD_BYTES = 1_000_000;
const FLOOD_MS = 120_000;
const CHANNEL = "emberbox.channel";

/**
 * Root stops the agent, takes its place on the channel, and sends what costs the host most to read: the smallest
 * frames, and greetings full of JSON.
 */
const FLOOD = `
import ctypes, os, signal, struct, subprocess
agent = int(subprocess.check_output(["pgrep", "-P", "1", "-f", "agent.mjs"]))
libc = ctypes.CDLL(None)
pidfd = libc.syscall(434, agent, 0)
links = {n: os.readlink(f"/proc/{agent}/fd/{n}") for n in os.listdir(f"/proc/{agent}/fd")}
channel = libc.syscall(438, pidfd, int(next(n for n, to in links.items() if "vport" in to)), 0)
os.kill(agent, signal.SIGSTOP)
os.set_blocking(channel, True)
def frame(kind, stream, payload=b""): return struct.pack(">BII", kind, stream, len(payload)) + payload
greeting = b'{"nonce":"","a":[' + b"[]," * 20_000 + b"[]]}"
flood = frame(3, 4_000_000_000) * 40_000 + frame(0, 0, greeting) * 6
while True:
    at = 0
    while at < len(flood): at += os.write(channel, flood[at:at + 65536])
`;

interface Channel {
  readonly sandboxId: string;
  readonly received: { readonly bytes: number };
}

/** What a sandbox pays when another one floods the host: its slowest answers, compared with those when it is quiet. */
export const hostileNeighbour: GroupPlan = {
  ids: ["hostile_neighbour"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    const channels: Channel[] = [];
    const note = (channel: unknown): void => void channels.push(channel as Channel);
    subscribe(CHANNEL, note);
    const provider = microvm();
    const sandbox = await Sandbox.create({ provider });
    await slowest(sandbox);
    return {
      samplers: {
        async hostile_neighbour() {
          await using neighbour = await Sandbox.create({ provider });
          const quiet = await slowest(sandbox);
          const { received } = channels.find((each) => each.sandboxId === neighbour.sandboxId)!;
          await flood(neighbour, received);
          const before = received.bytes;
          const flooded = await slowest(sandbox);
          if (received.bytes - before < FLOOD_BYTES) throw new Error("the neighbour did not flood");
          return flooded / quiet;
        },
      },
      async [Symbol.asyncDispose]() {
        unsubscribe(CHANNEL, note);
        await provider[Symbol.asyncDispose]();
      },
    };
  },
};

/** The 99th percentile of the answers' times. */
async function slowest(sandbox: Sandbox): Promise<number> {
  const samples: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    const started = performance.now();
    const { text } = await sandbox.runCode("1+1");
    if (text !== "2") throw new Error(`1+1 answered ${text}`);
    samples.push(milliseconds(started));
  }
  return samples.toSorted((a, b) => a - b)[Math.ceil(0.99 * CALLS) - 1]!;
}

async function flood(neighbour: Sandbox, received: Channel["received"]): Promise<void> {
  await neighbour.files.write("/opt/flood.py", FLOOD, { user: "root" });
  const before = received.bytes;
  const options = { user: "root", timeoutMs: 0 } as const;
  // This call never returns: nobody is left there to answer.
  neighbour.commands.run("setsid python3 /opt/flood.py", options).catch(() => {});
  const started = performance.now();
  while (received.bytes - before < FLOOD_BYTES) {
    if (milliseconds(started) > FLOOD_MS) throw new Error("the neighbour did not flood");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
