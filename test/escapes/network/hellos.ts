import { setTimeout as sleep } from "node:timers/promises";
import { type NetworkEvent, Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import type { Attempt } from "../attempt.ts";
import { takeOver } from "../takeover.ts";
import { GATEWAY } from "./by.ts";

const HELLOS = 400;

/** Each to a name of its own, for which a certificate would have to be made. */
const FLOOD = `
import ssl
context = ssl._create_unverified_context()
def hello(name):
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    try: context.wrap_bio(coming, going, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError: return going.read()
names = ["n%d.flood.test" % n for n in range(${HELLOS})]
hellos = [hello(name) for name in names]
for n, name in enumerate(names):
    send(frame(1, 2 * n + 2, struct.pack(">H", 443) + name.encode()))
    data(2 * n + 2, hellos[n])`;

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
      await sandbox.files.write("/opt/agent.py", takeOver(FLOOD, "pass"), { user: "root" });
      const start = "setsid python3 /opt/agent.py >/tmp/agent.log 2>&1 & sleep 9";
      await sandbox.commands
        .run(start, { user: "root", timeoutMs: 10_000, requestTimeoutMs: 10_000 })
        .catch(() => {});
      const isCut = (): boolean => events.some(({ reason }) => reason?.includes("at once"));
      for (let waited = 0; !isCut() && waited < 120; waited++) await sleep(500);
      const { stdout } = await bystander.commands.run("echo unharmed");
      const names = new Set(events.map(({ host }) => host));
      return {
        delivered: names.size === 0 ? "" : `${names.size} names were decided about`,
        seen: `the flood was ${isCut() ? "cut" : "CARRIED"}, neighbour ${stdout.trim()}`,
      };
    },
    refused: /^the flood was cut, neighbour unharmed$/,
  },
];
