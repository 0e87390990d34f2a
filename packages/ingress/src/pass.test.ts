import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from "node:net";
import { text } from "node:stream/consumers";
import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { requestHeaders } from "./headers.ts";
import { passOn, passUpgrade } from "./pass.ts";

async function listen(server: TcpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server inside that gives one literal answer, and what it was sent. */
async function inside(
  answer: string,
): Promise<{ port: number; heard: () => string; client: Promise<Socket> }> {
  let heard = "";
  const client = Promise.withResolvers<Socket>();
  const port = await listen(
    createTcpServer((socket) => {
      client.resolve(socket);
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        if (heard === "") socket.write(Buffer.from(answer, "latin1"));
        heard += chunk.toString("latin1");
      });
    }),
  );
  return { port, heard: () => heard, client: client.promise };
}

/** A proxy that passes requests on to it. */
function proxyTo(port: number): {
  listener: RequestListener;
  server: Server;
  failed: Promise<unknown>;
} {
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.destroy());
  const failed = Promise.withResolvers<unknown>();
  const onward = ({ url, rawHeaders }: { url?: string | undefined; rawHeaders: string[] }) => ({
    url: `http://127.0.0.1:${port}${url}`,
    dispatcher,
    headers: requestHeaders(rawHeaders, "masked"),
  });
  const listener: RequestListener = (request, response) => {
    request.on("error", () => {});
    response.on("error", () => {});
    passOn(request, response, onward(request)).catch((error: unknown) => {
      failed.resolve(error);
      response.destroy();
    });
  };
  const server = createServer(listener);
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    passUpgrade(request, socket, head, onward(request)).catch((error: unknown) => {
      failed.resolve(error);
      socket.destroy();
    });
  });
  return { listener, server, failed: failed.promise };
}

const crlf = (...lines: string[]): string => lines.join("\r\n");
const close = ["Connection: close", "", ""];

test("headers stay as they were written, the case of names and the bytes of values too, both ways", async () => {
  const answer = crlf(
    "HTTP/1.1 200 OK",
    "X-Answer: \u00e9",
    "SET-Cookie: a",
    "set-cookie: b",
    "Content-Length: 2",
  );
  const { port, heard } = await inside(`${answer}\r\n\r\nok`);
  const client = connect(await listen(proxyTo(port).server), "127.0.0.1");
  const head = crlf(
    "GET /a?b HTTP/1.1",
    "HOST: evil",
    "X-MiXed: \u00e9",
    "x-mixed: 2",
    "Accept: */*",
  );
  client.write(Buffer.from(crlf(head, ...close), "latin1"));
  client.setEncoding("latin1");
  const answered = (await client.toArray()).join("");
  expect(heard().split("\r\n")).toEqual(
    expect.arrayContaining(["GET /a?b HTTP/1.1", "X-MiXed: \u00e9", "x-mixed: 2", "Accept: */*"]),
  );
  expect(heard()).toMatch(/^host: masked\r$/im);
  expect(heard()).not.toContain("evil");
  expect(answered).toContain(`${answer}\r\n`);
  expect(answered).toMatch(/\r\n\r\nok$/);
});

test("clients of HTTP/2 get the same", async () => {
  const { port, heard } = await inside(
    crlf(
      "HTTP/1.1 200 OK",
      "X-Answer: 1",
      "Set-Cookie: a",
      "Set-Cookie: b",
      "Keep-Alive: x",
      "Content-Length: 2",
      "",
      "ok",
    ),
  );
  const server = createHttp2Server(proxyTo(port).listener as never);
  const session = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":path": "/x", cookie: ["a=1", "b=2"], "x-a": "1" });
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  expect(headers).toMatchObject({ ":status": 200, "x-answer": "1", "set-cookie": ["a", "b"] });
  expect(headers["keep-alive"]).toBe(undefined);
  expect(await text(stream)).toBe("ok");
  expect(heard()).toMatch(/^cookie: a=1; b=2\r$/m);
});

test("the head of an answer comes before its body", async () => {
  const { port, client: socket } = await inside(crlf("HTTP/1.1 200 OK", "X-A: 1", "", ""));
  const client = connect(await listen(proxyTo(port).server), "127.0.0.1");
  client.write(crlf("GET / HTTP/1.1", "Host: a", "", ""));
  const [head] = (await once(client, "data")) as [Buffer];
  expect(String(head)).toContain("X-A: 1\r\n");
  (await socket).destroy();
  client.destroy();
});

test("a client that goes away takes its request with it", async () => {
  const { port, client: socket } = await inside("");
  const { server, failed } = proxyTo(port);
  const client = connect(await listen(server), "127.0.0.1");
  client.write(crlf("GET / HTTP/1.1", "Host: a", "", ""));
  const held = await socket;
  await once(held, "data");
  client.destroy();
  await once(held, "close");
  expect(await failed).toMatchObject({ name: "AbortError" });
});

test("the connection ends when a body was not read", async () => {
  const { port } = await inside(crlf("HTTP/1.1 413 Too Large", "Content-Length: 0", ...close));
  const client = connect(await listen(proxyTo(port).server), "127.0.0.1");
  client.write(crlf("POST / HTTP/1.1", "Host: a", "Content-Length: 1000", "", "part"));
  const [head] = (await once(client, "data")) as [Buffer];
  expect(String(head)).toMatch(/^HTTP\/1\.1 413 [^]*^Connection: close\r$/m);
  client.destroy();
});

test("what an upgrade was agreed to with keeps its case, and both ends hear each other", async () => {
  const agreed = crlf(
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: x",
    "Connection: Upgrade",
    "X-Own: 1",
    "",
    "hello",
  );
  const { port, heard } = await inside(agreed);
  const client = connect(await listen(proxyTo(port).server), "127.0.0.1");
  client.write(
    crlf("GET / HTTP/1.1", "Host: a", "X-MiXed: 1", "Connection: Upgrade", "Upgrade: x", "", "bye"),
  );
  let answer = "";
  client.on("data", (chunk) => (answer += String(chunk)));
  await expect.poll(heard).toMatch(/^X-MiXed: 1\r\n\r\nbye$/m);
  await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 101 [^]*^X-Own: 1\r\n\r\nhello$/m);
  client.destroy();
});
