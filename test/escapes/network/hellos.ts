import { setTimeout as sleep } from "node:timers/promises";
import { Sandbox } from "@emberbox/core";
import type { NetworkEvent } from "@emberbox/core/network";
import { microvm } from "@emberbox/microvm";
import type { Attempt } from "../attempt.ts";
import { replaceAgent, takeOver } from "../takeover.ts";
import { GATEWAY } from "./by.ts";

const HELLOS = 400;
/** What a handshake begins with on the server's side is not shorter, nor the rest of it that long. */
const [CERTIFICATE_BYTES, HANDSHAKE_BYTES] = [700, 1500];
/** How many certificates the gateway makes at once, and in each second. */
const [BURST, PER_SECOND] = [64, 16];

/** Each to a name of its own, for which a certificate would have to be made. */
const FLOOD = `
import ssl
context = ssl._create_unverified_context()
def hello(name):
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    try: context.wrap_bio(coming, going, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError: return going.read()
names = ["n%d.flood.test" % n for n in range(${HELLOS})]
def opening(n, name):
    return frame(1, 2 * n + 2, struct.pack(">H", 443) + name.encode()) + frame(2, 2 * n + 2, hello(name))
# All at once: a slow machine would stay within what is allowed.
send(b"".join(opening(n, name) for n, name in enumerate(names)))`;

/** By an agent that root has taken over: to have the gateway make keys and certificates without end. */
export const hellos: readonly Attempt[] = [
  {
    id: "net.hello-flood",
    tries: "have a certificate made for each of hundreds of refused names",
    refusedBy: GATEWAY,
    async run({ bystander }) {
      const events: NetworkEvent[] = [];
      await using provider = microvm();
      const sandbox = await Sandbox.create({
        provider,
        network: false,
        onNetwork: (event) => events.push(event),
      });
      const started = performance.now();
      await replaceAgent(sandbox, takeOver(FLOOD, "pass"));
      const decided = (): number => new Set(events.map(({ host }) => host)).size;
      for (let waited = 0; decided() < HELLOS && waited < 120; waited++) await sleep(500);
      await sleep(2000);
      const { stdout } = await bystander.commands.run("echo unharmed");
      const { bytesReceived } = await sandbox.getNetworkLog();
      const seconds = (performance.now() - started) / 1000;
      const allowed = (BURST + PER_SECOND * seconds) * HANDSHAKE_BYTES;
      const most =
        bytesReceived < Math.max(allowed, (HELLOS / 2) * CERTIFICATE_BYTES) ? "few" : "MOST";
      return {
        delivered: decided() === 0 ? "" : `${decided()} names were decided about`,
        seen: `${most} were answered with a certificate (${bytesReceived} bytes), neighbour ${stdout.trim()}`,
      };
    },
    refused: /^few were answered with a certificate .*, neighbour unharmed$/,
  },
];
