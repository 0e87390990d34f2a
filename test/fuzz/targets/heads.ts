import { duplexPair } from "node:stream";
import { createGuarded } from "../../../packages/ingress/src/index.ts";
import { check, inPieces, type Target } from "../target.ts";

const TOKEN = "the-token";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

let inside = "";
const guarded = createGuarded({
  sandboxId: "iabc",
  port: 8000,
  token: TOKEN,
  host: "masked:8000",
  open: async () => {
    const [ours, theirs] = duplexPair();
    ours.on("error", () => {});
    theirs
      .on("error", () => {})
      .on("data", (chunk: Buffer) => {
        if (inside === "") theirs.write(OK);
        inside += chunk.toString("latin1");
      });
    return Object.assign(ours, { ref() {}, unref() {}, setTimeout() {} });
  },
});
// A server that was never told to listen still reads what it is given.
guarded.on("error", () => {});

/** Requests to a port that wants a token, and whose server is to see another host than it was asked for. */
export const target: Target = {
  refuses: () => false,
  share: 0.25,
  heapBytesPerByte: 4096,
  words: [
    ...[
      "GET / HTTP/1.1\r\n",
      `e2b-traffic-access-token: ${TOKEN}\r\n`,
      "Host: evil\r\n",
      "\r\n\r\n",
    ],
    ...[
      "Content-Length: 4\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Upgrade: x\r\nConnection: upgrade\r\n",
    ],
    ...[
      "Connection: host\r\n",
      "\n",
      " ",
      ":",
      "http://evil/",
      "0\r\n\r\n",
      "Expect: 100-continue\r\n",
    ],
  ],
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    inside = "";
    const [client, server] = duplexPair();
    client.on("error", () => {}).resume();
    guarded.emit("connection", Object.assign(server, { setTimeout() {} }));
    for (const piece of pieces) client.write(piece);
    // An end of what is sent would break the request off before it was passed on.
    for (let turns = 0; turns < 12; turns++) await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    server.destroy();
    if (inside === "") return;
    check(bytes.includes(TOKEN), "it passed without a token");
    const [head] = inside.split(/\r?\n\r?\n/, 1);
    const lines = head!.split(/[\r\n]+/).map((line) => line.trim().toLowerCase());
    check(/^[a-z-]+ \/\S* http\/1\.1$/.test(lines[0]!), `another first line: ${lines[0]}`);
    const hosts = lines.filter((line) => /^host\s*:/.test(line));
    check(hosts.join() === "host: masked:8000", `another host: ${hosts.join()}`);
    check(!lines.some((line) => /^e2b-traffic-access-token\s*:/.test(line)), "the token goes in");
  },
};
