import type { Attempt } from "./attempt.ts";
import { BROKEN, call, type Told, withHostileAgent } from "./takeover.ts";

const fared = (codes: string): RegExp =>
  new RegExp(`^(${codes}), neighbour unharmed, bounded memory$`);
/** An attempt by an agent that has been taken over; `codes` are what the call may fail with. */
export const agent = (
  id: string,
  tries: string,
  told: Told,
  codes: string,
  refusedBy = "the channel's parser",
): Attempt => ({
  id: `agent.${id}`,
  tries,
  refusedBy,
  run: (world) => withHostileAgent(world, told),
  refused: fared(codes),
});

const UNANSWERED = "timeout|connection_failed|protocol_error";

/** By an agent that the root of the sandbox has taken over: it may say to the host what it likes. */
export const agentAttempts: readonly Attempt[] = [
  agent(
    "long-frame",
    "announce a frame of 4 GiB",
    { first: "send(frame(2, 1, b'x', 0xffffffff))" },
    BROKEN,
  ),
  agent("garbage", "send noise", { first: "for _ in range(64): send(os.urandom(65536))" }, BROKEN),
  agent(
    "endless-frames",
    "send frames of no meaning without end",
    {
      first:
        "noise = frame(200, 7, b'x' * 1000) * 60\nend = time.time() + 60\nwhile time.time() < end: send(noise)",
    },
    `${BROKEN}|${UNANSWERED}`,
  ),
  agent(
    "streams",
    "open 100 000 streams to the host",
    { first: "for n in range(2, 200002, 2): send(frame(1, n, struct.pack('>H', 80)))" },
    `${BROKEN}|${UNANSWERED}`,
  ),
  agent(
    "odd-stream",
    "open a stream with one of the host's numbers",
    { first: "send(frame(1, 99999, b'\\0\\x50'))" },
    BROKEN,
  ),
  agent(
    "long-name",
    "ask for a host with a name of 300 bytes",
    { first: "send(frame(1, 2, b'\\0\\x50' + b'x' * 300))" },
    BROKEN,
  ),
  agent(
    "slow-loris",
    "begin a frame and never end it",
    { first: "send(struct.pack('>BI', 2, 1)); time.sleep(600)" },
    UNANSWERED,
  ),
  agent(
    "too-much-data",
    "send more than the host has asked for",
    { answer: "while True: data(stream, b'x' * 65536)" },
    `${BROKEN}|${UNANSWERED}`,
  ),
  agent(
    "too-much-credit",
    "grant the host more than can be meant",
    { answer: "for _ in range(3): send(frame(5, stream, b'\\xff' * 4))" },
    BROKEN,
  ),
  agent(
    "window-size",
    "send a window frame without its size",
    { answer: "send(frame(5, stream, b'x'))" },
    BROKEN,
  ),
  agent(
    "bulk-slot",
    "announce bulk data in a slot that there is not",
    { answer: "send(frame(8, stream, struct.pack('>BI', 200, 10)))" },
    BROKEN,
  ),
  agent(
    "bulk-length",
    "announce more bulk data than was granted",
    { answer: "send(frame(8, stream, struct.pack('>BI', 0, 524288)) * 100)" },
    // What was granted is no answer that anybody understands: the call may fail of that before.
    `${BROKEN}|${UNANSWERED}`,
  ),
  agent(
    "bulk-taken",
    "say that data was taken that the host never stored",
    { answer: "send(frame(9, 0, b'\\0'))" },
    BROKEN,
  ),
  agent(
    "impersonation",
    "greet the host as another sandbox",
    {
      first:
        'send(frame(0, 0, b\'{"nonce": "0", "sandboxId": "i0"}\'))\nfor _ in range(1000): send(frame(0, 0, b\'[]\'))',
    },
    BROKEN,
  ),
  agent(
    "no-answer",
    "hear the request and never answer",
    { answer: "send(frame(5, stream, struct.pack('>I', 1)))\ntime.sleep(600)" },
    "timeout",
    "the call's time limit",
  ),
  agent(
    "endless-head",
    "answer with HTTP headers without end",
    {
      answer: "more(stream, HEAD)\nwhile True: more(stream, b'X-More: ' + b'x' * 8000 + b'\\r\\n')",
    },
    UNANSWERED,
  ),
  agent(
    "endless-body",
    "answer with a body without end",
    {
      answer:
        "more(stream, HEAD + b'Transfer-Encoding: chunked\\r\\n\\r\\n')\nwhile True: more(stream, b'4000\\r\\n' + b'x' * 0x4000 + b'\\r\\n')",
    },
    UNANSWERED,
  ),
  agent(
    "wrong-length",
    "announce 100 bytes, send 7 and close",
    {
      answer:
        "more(stream, HEAD + b'Content-Length: 100\\r\\n\\r\\n{\"a\":1}')\nsend(frame(3, stream))",
    },
    UNANSWERED,
  ),
  agent(
    "two-lengths",
    "answer with two lengths",
    {
      answer:
        "more(stream, HEAD + b'Content-Length: 2\\r\\nContent-Length: 7\\r\\n\\r\\n{}{}{}{}')",
    },
    UNANSWERED,
  ),
  agent(
    "gzip-bomb",
    "answer with 1 GB of zeroes, compressed",
    {
      answer:
        "import gzip\nbody = gzip.compress(bytes(1 << 22)) * 256\nmore(stream, HEAD + b'Content-Encoding: gzip\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body)",
    },
    UNANSWERED,
  ),
  {
    id: "agent.reset",
    tries: "restart the machine, to come back as something else",
    refusedBy: "QEMU, which ends with its machine",
    async run({ create, bystander }) {
      await using sandbox = await create();
      const reset = "echo b > /proc/sysrq-trigger";
      await sandbox.commands.run(reset, { user: "root", timeoutMs: 10_000 }).catch(() => {});
      const other = (await bystander.commands.run("echo unharmed")).stdout.trim();
      const outcome = await call(sandbox);
      const delivered = outcome === BROKEN ? "the machine ended" : "";
      return { delivered, seen: `${outcome}, neighbour ${other}, bounded memory` };
    },
    refused: fared(BROKEN),
  },
  {
    id: "agent.sysrq",
    tries: "crash the machine's kernel",
    refusedBy: "the engine",
    async run({ create, bystander }) {
      await using sandbox = await create();
      await sandbox.commands
        .run("echo c > /proc/sysrq-trigger", { user: "root", timeoutMs: 10_000 })
        .catch(() => {});
      const other = (await bystander.commands.run("echo unharmed")).stdout.trim();
      const outcome = await call(sandbox);
      const delivered = outcome === BROKEN ? "the machine ended" : "";
      return { delivered, seen: `${outcome}, neighbour ${other}, bounded memory` };
    },
    refused: fared(BROKEN),
  },
];
