import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A SOCKS5 proxy for tests: whatever is asked for, it connects to the loopback address, at the port that was named. */
export interface TestProxy extends AsyncDisposable {
  readonly address: string;
  /** What it was asked to connect to, as `HOST:PORT`, with the credentials before an `@` if there were any. */
  readonly asked: string[];
}

export async function startProxy(credentials?: string): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const read = async (count: number): Promise<Buffer> => {
      for (;;) {
        const bytes = socket.read(count) as Buffer | null;
        if (bytes !== null) return bytes;
        await once(socket, "readable");
      }
    };
    const serve = async (): Promise<void> => {
      const [, methods = 0] = await read(2);
      await read(methods);
      socket.write(Buffer.from([5, credentials === undefined ? 0 : 2]));
      let who = "";
      if (credentials !== undefined) {
        const [, name = 0] = await read(2);
        who = String(await read(name));
        const [secret = 0] = await read(1);
        who += `:${String(await read(secret))}`;
        socket.write(Buffer.from([1, who === credentials ? 0 : 1]));
        if (who !== credentials) return void socket.end();
        who += "@";
      }
      const [, , , kind] = await read(4);
      const host =
        kind === 3
          ? String(await read((await read(1))[0]!))
          : [...(await read(kind === 1 ? 4 : 16))].join(".");
      const port = (await read(2)).readUInt16BE();
      asked.push(`${who}${host}:${port}`);
      const target = connect(port, "127.0.0.1");
      target.on("error", () => socket.destroy());
      sockets.add(target);
      await once(target, "connect");
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      socket.pipe(target).pipe(socket);
    };
    serve().catch(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
