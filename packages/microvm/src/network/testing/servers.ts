import { once } from "node:events";
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { generate } from "selfsigned";

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
}

/** An authority of the test's own, and a server's certificate by it. */
export interface TestAuthority {
  readonly ca: string;
  certify(...names: string[]): Promise<{ key: string; cert: string }>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const own = await generate([{ name: "commonName", value: "Test authority" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  return {
    ca: own.cert,
    async certify(...names) {
      const { cert, private: key } = await generate([{ name: "commonName", value: names[0]! }], {
        keyType: "ec",
        algorithm: "sha256",
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: "subjectAltName", altNames: names.map((value) => ({ type: 2 as const, value })) },
        ],
      });
      return { key, cert };
    },
  };
}

/** A web server on the loopback; with a certificate it speaks TLS. */
export async function startServer(
  listener: RequestListener,
  certificate?: { readonly key: string; readonly cert: string },
  address: string = LOOPBACK,
): Promise<TestServer> {
  const server = certificate ? createHttps(certificate, listener) : createHttp(listener);
  server.listen(0, address);
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    server: server as Server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The test network: these addresses stand in for the internet, so policies name them. */
export const LOOPBACK = "127.0.0.1";
