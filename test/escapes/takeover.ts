import { subscribe } from "node:diagnostics_channel";
import type { Sandbox } from "@emberbox/core";
import type { Outcome, World } from "./world.ts";

/** What the host has received on a sandbox's channel; it counts on. */
interface Received {
  readonly bytes: number;
  readonly frames: Readonly<Record<string, number>>;
}

const channels = new Map<string, Received>();
subscribe("emberbox.channel", (message) => {
  const { sandboxId, received } = message as { sandboxId: string; received: Received };
  channels.set(sandboxId, received);
});

/** Streams that the host may have opened before. */
const STREAMS = 2000;

/**
 * An agent that has been taken over: root stops the real one and copies its descriptor of the channel. It says so
 * with a greeting that the real one never sends, and closes every stream, so that the host comes with new ones. It does
 * what `first` says, at once or when the first of those comes, and answers every request with `answer(stream)`.
 */
export const takeOver = (first: string, answer: string, waits = false): string => `
import ctypes, os, signal, struct, subprocess, sys, time
agent = int(subprocess.check_output(["pgrep", "-P", "1", "-f", "agent.mjs"]))
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, agent, 0)
links = {n: os.readlink(f"/proc/{agent}/fd/{n}") for n in os.listdir(f"/proc/{agent}/fd")}
channel = libc.syscall(438, pidfd, int(next(n for n, to in links.items() if "vport" in to)), 0)
os.kill(agent, signal.SIGSTOP)
while open(f"/proc/{agent}/stat").read().rsplit(")", 1)[1].split()[0] != "T": time.sleep(0.01)
os.set_blocking(channel, True)
def frame(kind, stream, payload=b"", length=None):
    return struct.pack(">BII", kind, stream, len(payload) if length is None else length) + payload
def send(data):
    at = 0
    while at < len(data): at += os.write(channel, data[at:at + 65536])
def data(stream, payload):
    for at in range(0, len(payload), 65536): send(frame(2, stream, payload[at:at + 65536]))
def read(n):
    got = b""
    while len(got) < n:
        more = os.read(channel, n - len(got))
        if not more: time.sleep(0.01)
        got += more
    return got
credit = {}
def more(stream, payload):
    for at in range(0, len(payload), 16384):
        piece = payload[at:at + 16384]
        while credit.get(stream, 0) < len(piece): step()
        credit[stream] -= len(piece)
        data(stream, piece)
def step():
    kind, stream, length = struct.unpack(">BII", read(9))
    payload = read(length)
    if kind == 1: credit[stream] = 1 << 20
    if kind == 4: credit.pop(stream, None)
    if kind == 5 and stream in credit: credit[stream] += int.from_bytes(payload, "big")
    return kind, stream, payload
HEAD = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n"
CHUNKED = b"Transfer-Encoding: chunked\\r\\n\\r\\n"
def chunk(payload): return b"%x\\r\\n" % len(payload) + payload + b"\\r\\n"
def first():
${first.replaceAll(/^/gm, "    ")}
def answer(stream):
${answer.replaceAll(/^/gm, "    ")}
send(b"".join(frame(4, n) for n in range(1, ${2 * STREAMS}, 2)))
send(frame(0, 0, b'{"nonce": "taken over"}'))
${waits ? "" : "first(); first = None"}
answered = set()
while True:
    kind, stream, payload = step()
    if kind == 1 and first: (lambda does: does())(first); first = None
    if kind == 2 and stream in credit and stream not in answered:
        answered.add(stream)
        answer(stream)
`;

export const BROKEN = "sandbox_died";
/** What one sandbox may have the host keep, garbage included. */
const GROWTH = 256 * 1024 * 1024;
const TAKEOVER_MS = 60_000;
const CALL_MS = 6000;

export interface Told {
  readonly first?: string;
  readonly answer?: string;
  /** What the host asks of the agent. @default a directory */
  readonly ask?: (sandbox: Sandbox) => Promise<unknown>;
  /** Bytes that have to arrive. @default 1 */
  readonly bytes?: number;
}

/** Takes the agent over in a sandbox of its own, calls it, and says how the call and its neighbours fared. */
export async function withHostileAgent({ create, bystander }: World, told: Told): Promise<Outcome> {
  await using sandbox = await create();
  const program = takeOver(told.first ?? "pass", told.answer ?? "pass", true);
  const received = await replaceAgent(sandbox, program);
  const before = { bytes: received.bytes, frames: { ...received.frames } };
  const memory = watchMemory();
  const asked = call(sandbox, told.ask);
  const [neighbour, delay] = await timed(bystander);
  let outcome = await asked;
  // A call that was cut short says so; the next one says what became of the machine, if it was ended for it.
  if (!/^(timeout|GOT)/.test(outcome) && (await call(sandbox)) === BROKEN) outcome = BROKEN;
  const grown = memory.stop();
  const bytes = received.bytes - before.bytes;
  const frames = Object.entries(received.frames)
    .map(([kind, count]) => [kind, count - before.frames[kind]!] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  const facts = [
    `the host read ${bytes} bytes`,
    frames.length === 0 ? "" : `frames: ${frames.join(", ")}`,
    `it grew by ${Math.round(grown / 1e6)} MB`,
    `the neighbour waited ${Math.round(delay)} ms`,
  ];
  const bounded = grown < GROWTH ? "bounded memory" : `${grown} bytes more`;
  return {
    delivered: bytes >= (told.bytes ?? 1) ? facts.filter(Boolean).join("; ") : "",
    seen: `${outcome}, neighbour ${neighbour}, ${bounded}`,
  };
}

/** Runs a program of `takeOver`; resolves when the host has heard somebody who is not the agent. */
export async function replaceAgent(sandbox: Sandbox, program: string): Promise<Received> {
  const received = channels.get(sandbox.sandboxId)!;
  await sandbox.files.write("/opt/agent.py", program, { user: "root" });
  const { hello } = received.frames;
  sandbox.commands
    .run("setsid python3 /opt/agent.py >/tmp/agent.log 2>&1", { user: "root", timeoutMs: 0 })
    .catch(() => {});
  const until = Date.now() + TAKEOVER_MS;
  while (received.frames["hello"] === hello) {
    if (Date.now() > until) throw new Error("the agent was not taken over");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return received;
}

function watchMemory(): { stop(): number } {
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  return {
    stop() {
      clearInterval(watch);
      return peak - before;
    },
  };
}

async function timed(bystander: Sandbox): Promise<[said: string, ms: number]> {
  // While the call goes on.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const started = performance.now();
  const { stdout } = await bystander.commands.run("echo unharmed");
  return [stdout.trim(), performance.now() - started];
}

export const call = (sandbox: Sandbox, ask: Told["ask"] = listRoot): Promise<string> =>
  ask(sandbox).then(
    () => "GOT",
    (error: unknown) => {
      const { code, name } = error as { code?: string; name?: string };
      return name === "TimeoutError" ? "timeout" : String(code ?? error);
    },
  );

const listRoot = (sandbox: Sandbox): Promise<unknown> =>
  sandbox.files.list("/", { requestTimeoutMs: CALL_MS });
export const runCode = (sandbox: Sandbox): Promise<unknown> =>
  sandbox.runCode("1", { requestTimeoutMs: CALL_MS, signal: AbortSignal.timeout(CALL_MS) });
export const runCommand = (sandbox: Sandbox): Promise<unknown> =>
  sandbox.commands.run("true", { requestTimeoutMs: CALL_MS, signal: AbortSignal.timeout(CALL_MS) });
export const readFile = (sandbox: Sandbox): Promise<unknown> =>
  sandbox.files.read("/etc/passwd", { requestTimeoutMs: CALL_MS });
