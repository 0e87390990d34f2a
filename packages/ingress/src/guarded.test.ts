import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { createGuarded, type Guard } from "./guarded.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Sends bytes to a guarded port; returns what came back and what got inside. */
async function send(
  bytes: string,
  guard: Partial<Guard> = {},
  answerWith: string = OK,
): Promise<{ answer: string; inside: string }> {
  let inside = "";
  const server = createServer((socket) => {
    let read = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      inside += chunk.toString("latin1");
      read += chunk.toString("latin1");
      if (read.endsWith("bye")) socket.end();
      else if (isWhole(read)) socket.write(answerWith);
    });
  });
  const port = await listen(server);
  const open = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  };
  const place = { sandboxId: "iabc", port: 8000, token: undefined, host: undefined };
  const guarded = createGuarded({ ...place, open, host: "masked:8000", ...guard });
  const client = connect(await listen(guarded), "127.0.0.1");
  client.write(Buffer.from(bytes, "latin1"));
  const answer = await text(client).catch(() => "");
  guarded.close();
  server.close();
  return { answer, inside };
}

/** A request with its body, or what comes after an upgrade. */
function isWhole(read: string): boolean {
  const [head = "", body] = read.split("\r\n\r\n", 2);
  if (/^Content-Length/m.test(head)) return body === "body";
  return /^Transfer-Encoding/m.test(head) ? read.endsWith("0\r\n\r\n") : body !== undefined;
}

const head = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

test.each([
  ["a bare line feed", "GET / HTTP/1.1\r\nX: a\nHost: evil\r\n\r\n"],
  ["nothing but line feeds", "GET / HTTP/1.1\nHost: evil\n\n"],
  ["a space before the colon", head("GET / HTTP/1.1", "Host : evil")],
  ["a folded line", head("GET / HTTP/1.1", "Host: a", "X: b", " Host: evil")],
  ["a folded host", head("GET / HTTP/1.1", "Host: a", "\tevil")],
  ["the absolute form", head("GET http://evil/ HTTP/1.1", "Host: a")],
  ["two hosts", head("GET / HTTP/1.1", "Host: a", "hOST: evil")],
  ["no host", head("GET / HTTP/1.1")],
  ["an asterisk", head("OPTIONS * HTTP/1.1", "Host: a")],
  ["a name with a return", head("GET / HTTP/1.1", "Host: a", "X\rHost: evil")],
  [
    "a length and chunks",
    head("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"),
  ],
  ["chunks by another name", head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked")],
  ["two lengths", head("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1")],
  ["no HTTP", "\u0016\u0003\u0001\r\n\r\n"],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
])("%s is refused, and nothing of it gets inside", async (_what, bytes) => {
  const { answer, inside } = await send(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(inside).toBe("");
});

test("the host is masked, and the rest is as it was sent", async () => {
  const lines = ["X-Order: 1", "Cookie: a=1", "x-order: 2"];
  const { answer, inside } = await send(head("GET /a?b HTTP/1.1", "Host: evil", ...lines));
  expect(inside).toBe(
    head("GET /a?b HTTP/1.1", "Host: masked:8000", ...lines, "Connection: close"),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
});

test("a request behind another does not get inside", async () => {
  const { inside } = await send(
    head("GET /one HTTP/1.1", "Host: a") + head("GET /two HTTP/1.1", "Host: evil"),
  );
  expect(inside).not.toMatch(/two|evil/);
  const hidden = head("GET /two HTTP/1.1", "Host: evil");
  const upgrade = head("GET /one HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: x");
  expect((await send(upgrade + hidden)).inside).not.toMatch(/two|evil/);
  expect((await send(hidden.replace("evil", "a") + upgrade)).inside).not.toMatch(/one/);
});

test("a body goes in whole, and what follows it does not", async () => {
  const post = head("POST / HTTP/1.1", "Host: a", "Content-Length: 4");
  const { inside } = await send(`${post}bodyGET /two HTTP/1.1\r\nHost: evil\r\n\r\n`);
  expect(inside).toBe(
    `${head("POST / HTTP/1.1", "Host: masked:8000", "Content-Length: 4", "Connection: close")}body`,
  );
  const chunked = head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked");
  expect((await send(`${chunked}4\r\nbody\r\n0\r\n\r\n`)).inside).toContain(
    "4\r\nbody\r\n0\r\n\r\n",
  );
});

test("with a token, only who shows it gets inside, and the server does not see it", async () => {
  const guard = { token: "secret", host: undefined };
  const ask = (...lines: string[]) => send(head("GET / HTTP/1.1", "Host: a", ...lines), guard);
  for (const lines of [
    [],
    ["e2b-traffic-access-token: secreT"],
    ["e2b-traffic-access-token: secre"],
    ["x-e2b-traffic-access-token: secret"],
  ]) {
    const { answer, inside } = await ask(...lines);
    expect([answer.slice(0, 12), inside]).toEqual(["HTTP/1.1 403", ""]);
    expect(answer).toContain('"sandboxId":"iabc"');
  }
  const { inside } = await ask("E2B-Traffic-Access-Token:  secret ", "Connection: keep-alive");
  expect(inside).toBe(head("GET / HTTP/1.1", "Host: a", "Connection: close"));
});

test("an upgrade goes through when the server inside agrees", async () => {
  const agreed =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello";
  const lines = ["Host: a", "Connection: Upgrade", "Upgrade: x"];
  const echoed = await send(`${head("GET / HTTP/1.1", ...lines)}bye`, {}, agreed);
  expect(echoed.answer).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello/);
  expect(echoed.inside).toMatch(/^GET \/ HTTP\/1\.1\r\nHost: masked:8000\r\n[^]*\r\n\r\nbye$/);
});
