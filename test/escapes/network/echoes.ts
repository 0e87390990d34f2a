// A secret's host that says back what it was sent, in the ways in which a value could be had from it in parts.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { Attempt } from "../attempt.ts";
import { GATEWAY, python } from "./by.ts";

/** What the host is sent in place of the placeholder. */
export const SECRET = "value-that-stays-outside";
const PAUSE_MS = 6000;
/** Guessed rightly, of a value, and wrongly. */
const guesses: Readonly<Record<string, (key: string) => string>> = {
  right: (key) => key.slice(0, 16),
  wrong: (key) => `${key.slice(0, 15)}#`,
  strange: () => "#".repeat(16),
};
const PADDING = "x".repeat(200);

type Echo = (key: string, response: ServerResponse, guess: string) => unknown;
const echoes: Readonly<Record<string, Echo>> = {
  "/echo/held": async (_key, response, guess) => {
    response.write(PADDING + guess);
    await sleep(PAUSE_MS);
    response.end("the end");
  },
  "/echo/whole": (key, response, guess) => response.end(`${guess}|${key}|${PADDING}${guess}`),
  "/echo/reason": (key, response) => response.writeHead(200, key).end("said"),
  "/echo/part": (key, response) =>
    response.writeHead(206, { "content-range": "bytes 0-7/24" }).end(key.slice(0, 8)),
  "/echo/trailer": (key, response) => {
    response.writeHead(200, { trailer: "x-key" }).write("said");
    response.addTrailers({ "x-key": key });
    response.end();
  },
  "/echo/packed": (key, response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(`said ${key}`)),
};

/** Answers what is asked of it; false for what is not its own. */
export function echo(...[request, response]: Parameters<RequestListener>): boolean {
  const { pathname, search } = new URL(request.url!, "http://x");
  const answer = echoes[pathname];
  const key = String(request.headers["x-key"]);
  void answer?.(key, response, guesses[search.slice(1)]?.(key) ?? "");
  return answer !== undefined;
}

/** A WebSocket that packs its messages whether or not that was agreed. */
export function packedSocket(request: IncomingMessage, socket: Socket): void {
  const key = deflateRawSync(String(request.headers["x-key"]));
  socket.on("error", () => {});
  socket.write(
    `HTTP/1.1 101 ${String(request.headers["x-key"])}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
  );
  socket.end(Buffer.concat([Buffer.from([0xc1, key.length]), key]));
}

/** `ask(path, more)` is how many bytes came before a long silence, the sizes of records, and all that was said. */
const ask = `
import zlib
def ask(path, more="Connection: close"):
  raw = socket.create_connection(("api.test", int(os.environ["TLS"])))
  s = ssl.create_default_context().wrap_socket(raw, server_hostname="api.test", suppress_ragged_eofs=True)
  s.sendall(f"GET {path} HTTP/1.1\\r\\nHost: api.test\\r\\nX-Key: {os.environ['KEY']}\\r\\n{more}\\r\\n\\r\\n".encode())
  said, sizes, before = b"", [], None
  while True:
    s.settimeout(2.5 if said.partition(b"\\r\\n\\r\\n")[2] and before is None else 60)
    try: part = s.recv(65536)
    except TimeoutError:
      before = len(said.partition(b"\\r\\n\\r\\n")[2])
      continue
    except OSError: break
    if not part: break
    said += part
    sizes.append(len(part))
  return before, sizes, said
`;

/** It arrives when the host was sent the value, and can say it back. */
const says = (id: string, tries: string, code: string, refused: RegExp): Attempt => ({
  id: `net.${id}`,
  tries,
  refusedBy: GATEWAY,
  async run({ outside }) {
    const { run, listed, sent } = await outside();
    const from = sent.length;
    const { delivered, seen } = await run(listed, python(ask + code));
    const times = sent.slice(from).filter((each) => each.includes(SECRET)).length;
    return { delivered: times > 0 ? `${delivered}, value sent ${times} times` : "", seen };
  },
  refused,
});

/** Not more than three characters of it: the first of what the servers send. */
const NOTHING_OF_IT = "^(?![^]*value-that)";

export const secretEchoes: readonly Attempt[] = [
  says(
    "secret-oracle-timing",
    "tell by what of an answer comes early whether a part of the secret was guessed",
    `print("early", *[ask("/echo/held?" + guess)[0] for guess in ["right", "wrong", "strange"]])`,
    /^early ([1-9]\d*) \1 \1 /,
  ),
  says(
    "secret-oracle-length",
    "tell it by the sizes of an answer's records",
    `print("sizes", *[str(ask("/echo/whole?" + guess)[1]).replace(" ", "") for guess in ["right", "wrong", "strange"]])`,
    /^sizes (\[[\d,]+\]) \1 \1 /,
  ),
  says(
    "secret-reason",
    "have it in the words beside an answer's status",
    `print(ask("/echo/reason")[2].decode())`,
    new RegExp(`${NOTHING_OF_IT}HTTP/1.1 200 OK[^]*said`),
  ),
  says(
    "secret-range",
    "have it in slices",
    `print(ask("/echo/part", "Range: bytes=0-7\\r\\nConnection: close")[2].decode())`,
    new RegExp(`${NOTHING_OF_IT}HTTP/1.1 502 [^]*it answered with a part`),
  ),
  says(
    "secret-trailer",
    "have it in what follows an answer",
    `print(ask("/echo/trailer")[2].decode())`,
    new RegExp(`${NOTHING_OF_IT}HTTP/1.1 200 OK[^]*said`),
  ),
  says(
    "secret-packed",
    "have it in an answer that is packed",
    `print(ask("/echo/packed", "Accept-Encoding: gzip\\r\\nConnection: close")[2].decode("latin1"))`,
    new RegExp(`${NOTHING_OF_IT}HTTP/1.1 200 OK[^]*said \\*{24}`),
  ),
  says(
    "secret-deflate",
    "have it in a WebSocket's packed messages",
    `said = ask("/socket", "Connection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Extensions: permessage-deflate")[2]
head, _, frame = said.partition(b"\\r\\n\\r\\n")
print(head.decode(), zlib.decompress(frame[2:], -15) if frame else "and no message")`,
    new RegExp(
      `${NOTHING_OF_IT}(HTTP/1.1 101 Switching Protocols[^]*)?and no message[^]*a frame is packed`,
    ),
  ),
];
