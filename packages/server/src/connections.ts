import type { Server, Socket } from "node:net";

/** Limits a server's connections, half of which one address may have; those beyond the limit are cut. */
export function limitConnections(server: Server, most: number): ReadonlySet<Socket> {
  const mostOfOne = Math.ceil(most / 2);
  const connections = new Set<Socket>();
  const byAddress = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? "");
    const others = byAddress.get(address) ?? 0;
    if (connections.size >= most || others >= mostOfOne) return void socket.destroy();
    connections.add(socket);
    byAddress.set(address, others + 1);
    socket.once("close", () => {
      connections.delete(socket);
      const left = byAddress.get(address)! - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });
  return connections;
}

/** Whoever has one IPv6 address has its whole /64. */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address.replace(/^::ffff:/, "");
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const rest = tail === undefined ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => "0");
  return [...groups, ...zeros, ...rest].slice(0, 4).join(":");
}
