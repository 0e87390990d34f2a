import { once } from "node:events";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure, type Server } from "node:https";
import { createServer as createTls } from "node:tls";
import { type AddressInfo, connect, createServer as createTcp, type Server as Tcp } from "node:net";
import { Session } from "@emberbox/wire";
import { expect, onTestFinished, test } from "vitest";
import { request } from "undici/index.js";
import { socketPair } from "../network/testing/channel.ts";
import { createTestAuthority } from "../network/testing/servers.ts";
import { channelDispatcher } from "./dispatcher.ts";

async function listen(server: Tcp | Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** One whose streams lead to this machine's loopback, over a channel as a sandbox has. */
async function dispatcherHere() {
  const pair = await socketPair();
  const [host, guest] = pair.map(
    (port, index) =>
      new Session({
        port,
        firstStream: (index + 1) as 1 | 2,
        onStream(stream, target) {
          const socket = connect(target, "127.0.0.1");
          for (const each of [stream, socket]) each.on("error", () => {});
          socket.once("close", () => stream.destroy());
          stream.pipe(socket).pipe(stream);
          return true;
        },
        onHello: () => {},
        onBroken: () => {},
      }),
  ) as [Session, Session];
  for (const each of [host, guest]) each.hello(Buffer.from("{}"));
  const dispatcher = channelDispatcher({ open: (port) => host.open(port) });
  onTestFinished(async () => {
    await dispatcher.destroy();
    for (const socket of pair) socket.destroy();
  });
  return dispatcher;
}

async function ask(origin: string): Promise<string> {
  return (await request(origin, { dispatcher: await dispatcherHere() })).body.text();
}

test("a server is reached as it speaks: plainly, or by TLS with whatever certificate it has", async () => {
  const plain = await listen(createPlain((_, response) => response.end("plain")));
  const { key, cert } = await (await createTestAuthority()).certify("somebody.else");
  const secure = await listen(createSecure({ key, cert }, (_, response) => response.end("secure")));
  expect(await ask(`http://sandbox:${plain}`)).toBe("plain");
  expect(await ask(`https://sandbox:${secure}`)).toBe("secure");
});

test("what a server sends before it hangs up arrives, however late it is read", async () => {
  const { key, cert } = await (await createTestAuthority()).certify("somebody.else");
  const text = "x".repeat(300_000);
  const closed = Promise.withResolvers<void>();
  const server = createTls({ key, cert }, (socket) => {
    socket.once("data", () => {
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${text}`);
      closed.resolve();
    });
  });
  const dispatcher = await dispatcherHere();
  const { body } = await request(`https://sandbox:${await listen(server)}`, { dispatcher });
  await closed.promise;
  // More than enough turns for what has been sent to come in.
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(await body.text()).toBe(text);
});

test("what speaks no TLS, or hangs up, is a failure", async () => {
  const plain = await listen(createPlain((_, response) => response.end("plain")));
  const closed = await listen(createTcp((socket) => void socket.end()));
  const noise = await listen(
    createTcp((socket) => void socket.on("error", () => {}).end("no TLS")),
  );
  for (const port of [plain, closed, noise])
    await expect(ask(`https://sandbox:${port}`)).rejects.toThrow();
});
