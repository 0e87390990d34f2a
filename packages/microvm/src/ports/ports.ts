import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { EmberboxError } from "@emberbox/core";
import { isAgentPort } from "@emberbox/core/envd";
import type { Endpoint } from "@emberbox/core/provider";
import { background } from "@emberbox/core/background";
import { createGuarded, maskedHost, openAgentDoor } from "@emberbox/ingress";
import type { ChannelStream } from "@emberbox/wire";
import { forward, type Gate } from "./forward.ts";

/** Concurrent connections to one sandbox, over all its ports: the channel's other streams are left for calls. */
const MAX_CONNECTIONS = 512;

export interface PortsOptions {
  readonly sandboxId: string;
  /** Opens a byte stream to a port inside. Rejects when the sandbox is gone. */
  readonly open: (port: number) => Promise<ChannelStream>;
  /** How requests reach the agent. Rejects when the sandbox is gone. */
  readonly endpoint: (port: number) => Promise<Endpoint>;
  /** What requests to the agent must carry as `X-Access-Token`. */
  readonly accessToken: string | undefined;
  /** What requests must carry as `e2b-traffic-access-token`; `undefined` when the ports are public. */
  readonly token?: string | undefined;
  /** The `Host` that servers inside see; `${PORT}` stands for the port. */
  readonly maskRequestHost?: string | undefined;
}

/** A sandbox's ports, as seen from this machine. */
export interface Ports {
  /** The URL of a server that listens on that port inside; the same on every call. */
  url(port: number): Promise<string>;
  /** Ends every listener and every connection. */
  close(): void;
}

/** Forwards ports of this machine's loopback to a sandbox's, each opened on first use. */
export function createPorts(options: PortsOptions): Ports {
  const listeners = new Map<number, Promise<Server>>();
  const connections = new Set<{ destroy(): unknown }>();
  let closed = false;

  const listen = async (port: number): Promise<Server> => {
    const server = serve(options, port);
    // Before anything is read from it.
    server.prependListener("connection", (client: Socket) => {
      if (connections.size >= MAX_CONNECTIONS) return void client.destroy();
      connections.add(client);
      client.once("close", () => connections.delete(client));
      // Like a sandbox, a connection that a browser keeps open does not keep the program alive.
      client.unref();
    });
    server.unref().listen(0, "127.0.0.1");
    await once(server, "listening");
    if (closed) server.close();
    return server;
  };
  return {
    async url(port) {
      if (closed) throw new EmberboxError("sandbox_closed", "the sandbox was closed");
      let listening = listeners.get(port);
      if (listening === undefined) {
        listening = listen(port);
        listeners.set(port, listening);
        listening.catch(() => listeners.delete(port));
      }
      const address = (await listening).address() as AddressInfo | null;
      if (address === null) throw new EmberboxError("sandbox_closed", "the sandbox was closed");
      return `http://127.0.0.1:${address.port}`;
    },
    close() {
      closed = true;
      for (const listening of listeners.values())
        listening.then((server) => server.close()).catch(() => {});
      for (const connection of connections) connection.destroy();
    },
  };
}

/** A server that does not listen yet. */
function serve(options: PortsOptions, port: number): Server {
  const { sandboxId, accessToken, token } = options;
  if (isAgentPort(port)) {
    const endpoint = (): Promise<Endpoint> => options.endpoint(port);
    const tokens = { access: accessToken, traffic: token };
    return openAgentDoor({ sandboxId, port, endpoint, tokens });
  }
  const gate: Gate = { sandboxId, port, open: () => options.open(port) };
  const host = maskedHost(options.maskRequestHost, port);
  if (token !== undefined || host !== undefined) return createGuarded({ ...gate, token, host });
  return createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
    background(forward(client, gate), () => client.destroy()),
  );
}
