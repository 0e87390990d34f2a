import { once } from "node:events";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure, type Server } from "node:https";
import { type AddressInfo, connect, createServer as createTcp, type Server as Tcp } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { request } from "undici/index.js";
import { createTestAuthority } from "../network/testing/servers.ts";
import { channelDispatcher } from "./dispatcher.ts";

async function listen(server: Tcp | Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Asks a server through a dispatcher whose streams lead to this machine's loopback. */
async function ask(origin: string): Promise<string> {
  const dispatcher = channelDispatcher({
    open: (port: number) => connect(port, "127.0.0.1") as never,
  });
  onTestFinished(() => dispatcher.destroy());
  return (await request(origin, { dispatcher })).body.text();
}

test("a server is reached as it speaks: plainly, or by TLS with whatever certificate it has", async () => {
  const plain = await listen(createPlain((_, response) => response.end("plain")));
  const { key, cert } = await (await createTestAuthority()).certify("somebody.else");
  const secure = await listen(createSecure({ key, cert }, (_, response) => response.end("secure")));
  expect(await ask(`http://sandbox:${plain}`)).toBe("plain");
  expect(await ask(`https://sandbox:${secure}`)).toBe("secure");
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
