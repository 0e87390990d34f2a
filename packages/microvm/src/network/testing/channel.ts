import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type ChannelStream, egressAnswers, Session } from "@emberbox/wire";
import type { NetworkEvent } from "@emberbox/core/network";
import type { CreateOptions } from "@emberbox/core/provider";
import { Access } from "../access.ts";
import { Gateway } from "../gateway.ts";
import { createUplink, type UplinkOptions } from "../uplink.ts";

/** A gateway with the two ends of its channel, as in a sandbox; the guest's end is the test's. */
export interface Guest extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly events: NetworkEvent[];
  open(port: number, host: string): ChannelStream;
  /** Opens a stream and waits for the gateway's answer. */
  ask(port: number, host: string): Promise<{ stream: ChannelStream; answer: string }>;
}

const session = (port: Socket, firstStream: 1 | 2, onStream = (): boolean => false): Session =>
  new Session({ port, firstStream, onStream, onHello: () => {}, onBroken: () => {} });

export async function startGuest(
  options: Pick<CreateOptions, "network" | "networkCeiling" | "secrets">,
  uplink: UplinkOptions = {},
): Promise<Guest> {
  const events: NetworkEvent[] = [];
  const gateway = new Gateway("itest", createUplink(uplink));
  gateway.configure(new Access({ ...options, onNetwork: (event) => events.push(event) }));
  const [host, guest] = await socketPair();
  const ours = session(host, 1, ((stream: ChannelStream, port: number, name: string) =>
    gateway.accept(stream, port, name)) as never);
  const theirs = session(guest, 2);
  for (const each of [ours, theirs]) each.hello(Buffer.from("{}"));
  const open = (port: number, name: string): ChannelStream => theirs.open(port, name);
  return {
    gateway,
    events,
    open,
    async ask(port, name) {
      const stream = open(port, name);
      const said = await new Promise<Buffer | undefined>((resolve) => {
        stream.once("data", (first: Buffer) => resolve(stream.pause() && first));
        stream.once("close", () => resolve(undefined));
      });
      if (said === undefined) return { stream, answer: "closed" };
      if (said.length > 1) stream.unshift(said.subarray(1));
      const answer = Object.entries(egressAnswers).find(([, code]) => code === said[0])?.[0];
      return { stream, answer: answer ?? "?" };
    },
    async [Symbol.asyncDispose]() {
      gateway.close();
      host.destroy();
      guest.destroy();
    },
  };
}

export async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [other] = (await accepted) as [Socket];
  server.close();
  return [client, other];
}
