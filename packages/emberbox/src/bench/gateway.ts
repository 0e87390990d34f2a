import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type Group, type GroupPlan, milliseconds, NotMeasured } from "./group.ts";

const BYTES = 64 * 1024 * 1024;
const PORT = 9000;
const perSecond = (since: number): number => BYTES / 1e6 / (milliseconds(since) / 1000);

/**
 * Says that it listens, then sends a fixed number of bytes to a client that sends `g`, and reads what any other sends.
 */
const PEER = `import socket
server = socket.create_server(("127.0.0.1", ${PORT})); print("listening", flush=True)
while True:
    s = server.accept()[0]
    if s.recv(1) == b"g": s.sendall(bytes(${BYTES}))
    else:
        buffer = bytearray(1 << 20)
        while s.recv_into(buffer): pass
    s.close()`;

/**
 * The connection to the outside, compared with the channel that carries it: it should not be slower than half of that.
 */
export const gateway: GroupPlan = {
  ids: ["channel_in", "channel_out", "gateway_up", "gateway_down"],
  rounds: 3,
  warmUp: 1,
  async begin() {
    const address = ownAddress();
    if (address === undefined) return nothing("this machine has no address beside its loopback's");
    const payload = Buffer.alloc(BYTES);
    const server = await listen(address, payload);
    const provider = microvm();
    const network = { allowOut: [address], denyOut: ["0.0.0.0/0"] };
    const sandbox = await Sandbox.create({ provider, network });
    await sandbox.commands.run(`head -c ${BYTES} /dev/zero > /tmp/payload`);
    const listening = Promise.withResolvers<void>();
    await sandbox.files.write("/tmp/peer.py", PEER);
    await sandbox.commands.run("python3 /tmp/peer.py", {
      background: true,
      timeoutMs: 0,
      onStdout: () => listening.resolve(),
    });
    await listening.promise;
    const url = `http://${address}:${(server.address() as AddressInfo).port}/`;
    const curl = async (parameters: string): Promise<number> => {
      const { stdout } = await sandbox.commands.run(`curl -sS -o /dev/null ${parameters} ${url}`);
      return Number(stdout) / 1e6;
    };
    return {
      samplers: {
        async channel_in() {
          const socket = await dial(sandbox);
          const started = performance.now();
          socket.write("t");
          socket.end(payload);
          await once(socket.resume(), "close");
          return perSecond(started);
        },
        async channel_out() {
          const socket = await dial(sandbox);
          const started = performance.now();
          socket.write("g");
          await once(socket.resume(), "end");
          const rate = perSecond(started);
          socket.destroy();
          return rate;
        },
        gateway_up: () => curl("-T /tmp/payload -w '%{speed_upload}'"),
        gateway_down: () => curl("-w '%{speed_download}'"),
      },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        server.close();
      },
    };
  },
};

/** The sandbox's own loopback is not this machine's, so a server has to be somewhere else. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = all.find(({ family, internal }) => family === "IPv4" && !internal);
  return found?.address;
}

function nothing(reason: string): Group {
  const fail = (): Promise<never> => Promise.reject(new NotMeasured(reason));
  return {
    samplers: { channel_in: fail, channel_out: fail, gateway_up: fail, gateway_down: fail },
    async [Symbol.asyncDispose]() {},
  };
}

async function listen(address: string, payload: Buffer): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.end(request.method === "GET" ? payload : ""));
  });
  server.listen(0, address).unref();
  await once(server, "listening");
  return server;
}

async function dial(sandbox: Sandbox): Promise<Socket> {
  const { hostname, port } = new URL(await sandbox.url(PORT));
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}
