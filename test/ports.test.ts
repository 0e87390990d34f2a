import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import type { Sandbox } from "@emberbox/core";
import { beforeAll, expect, test } from "vitest";
import { createSandbox } from "./support/sandboxes.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await createSandbox({ timeoutMs: 3_600_000 });
  return () => sandbox.kill();
});

/** Runs a Python server for one connection, `c`, of a sandbox's port. */
async function serve(port: number, code: string, host = "127.0.0.1"): Promise<void> {
  const family = host.includes(":") ? "AF_INET6" : "AF_INET";
  const program = `import socket
s = socket.socket(socket.${family}); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("${host}", ${port})); s.listen(); print("listening", flush=True)
c = s.accept()[0]
${code}`;
  await sandbox.files.write(`/tmp/serve-${port}.py`, program);
  const listening = Promise.withResolvers<void>();
  await sandbox.commands.run(`python3 /tmp/serve-${port}.py`, {
    background: true,
    timeoutMs: 0,
    onStdout: () => listening.resolve(),
  });
  await listening.promise;
}

async function dial(port: number): Promise<Socket> {
  const { hostname, port: hostPort } = new URL(await sandbox.url(port));
  const socket = connect({ host: hostname, port: Number(hostPort), allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

test("a server that speaks first and one that answers after the client's end are reached", async () => {
  await serve(9001, "c.sendall(b'hello, who are you?'); c.close()");
  expect(await text(await dial(9001))).toBe("hello, who are you?");
  await serve(
    9002,
    "got = b''\nwhile b := c.recv(9999): got += b\nc.sendall(got[::-1]); c.close()",
  );
  const socket = await dial(9002);
  socket.end("the client ends first");
  expect(await text(socket)).toBe("tsrif sdne tneilc eht");
});

test("a server on the IPv6 loopback only is reached", async () => {
  await serve(9003, "c.sendall(b'six'); c.close()", "::1");
  expect(await text(await dial(9003))).toBe("six");
});

test("16 MB come out and go in whole, though their sender closes at once", async () => {
  const size = 16 * 1024 * 1024;
  await serve(9004, `data = bytes(range(256)) * (${size} // 256)\nc.sendall(data); c.close()`);
  const expected = Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  expect((await buffer(await dial(9004))).equals(expected)).toBe(true);

  const hash = "import hashlib; h = hashlib.sha256()\nwhile b := c.recv(65536): h.update(b)";
  await serve(9005, `${hash}\nopen('/tmp/hash', 'w').write(h.hexdigest()); c.close()`);
  const socket = await dial(9005);
  socket.end(expected);
  await text(socket);
  const written = await sandbox.files.read("/tmp/hash");
  expect(written).toBe(createHash("sha256").update(expected).digest("hex"));
});

test("a client that reads slowly slows its server down", async () => {
  const count =
    "sent = 0\nc.settimeout(5)\ntry:\n  while True: sent += c.send(b'x' * 65536)\nexcept TimeoutError: pass";
  await serve(9006, `${count}\nopen('/tmp/sent', 'w').write(str(sent)); c.close()`);
  const socket = await dial(9006);
  socket.pause();
  await expect.poll(() => sandbox.files.exists("/tmp/sent"), { timeout: 60_000 }).toBe(true);
  expect(Number(await sandbox.files.read("/tmp/sent"))).toBeLessThan(32 * 1024 * 1024);
  socket.destroy();
});

test("a client that speaks another protocol than HTTP to a closed port is cut off without a word", async () => {
  const socket = await dial(9007);
  socket.write("\u0016\u0003\u0001 this is not HTTP");
  expect(await text(socket).catch(() => "")).toBe("");
});

test("one client too many is cut off, and calls still work", async () => {
  await sandbox.commands.run("python3 -m http.server 9008 --bind 127.0.0.1", {
    background: true,
    timeoutMs: 0,
  });
  const { hostname, port } = new URL(await sandbox.url(9008));
  const sockets = Array.from({ length: 600 }, () => connect(Number(port), hostname));
  let cut = 0;
  for (const socket of sockets) socket.on("error", () => {}).once("close", () => cut++);
  await expect.poll(() => cut, { timeout: 60_000 }).toBeGreaterThanOrEqual(80);
  expect((await sandbox.commands.run("echo here")).stdout).toBe("here\n");
  for (const socket of sockets) socket.destroy();
});

test("a port is closed with its sandbox, and asking for it says why", async () => {
  const other = await createSandbox();
  const { hostname, port } = new URL(await other.url(80));
  await other.kill();
  const [error] = (await once(connect(Number(port), hostname), "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
  await expect(other.url(80)).rejects.toMatchObject({ code: "sandbox_closed" });
});
