import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface Proxy {
  readonly url: string;
  /** The hosts that were asked for. */
  readonly hosts: ReadonlySet<string>;
}

/** An HTTP proxy on loopback, for as long as this program runs. */
export async function startProxy(): Promise<Proxy> {
  const hosts = new Set<string>();
  const server = createServer((asked, answer) => {
    const { hostname, host, port, pathname, search } = new URL(asked.url!);
    hosts.add(hostname);
    const { method, headers } = asked;
    const path = `${pathname}${search}`;
    const onward = request({
      hostname,
      port: port || 80,
      path,
      method,
      headers: { ...headers, host },
    });
    onward.on("response", (its) => {
      answer.writeHead(its.statusCode!, its.headers);
      its.pipe(answer);
    });
    onward.on("error", () => answer.writeHead(502).end());
    asked.pipe(onward);
  });
  server.on("connect", (asked, client) => {
    const { hostname, port } = new URL(`http://${asked.url}`);
    hosts.add(hostname);
    const onward = connect(Number(port || 80), hostname, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(onward).pipe(client);
    });
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const)
      one.on("error", () => other.destroy());
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, hosts };
}
