import { randomBytes } from "node:crypto";
import { EmberboxError } from "@emberbox/core";
import {
  type ChannelStream,
  type GuestNetwork,
  type Hello,
  type HelloAnswer,
  NETWORK_PORT,
  type Received,
  Session,
  type Thaw,
} from "@emberbox/wire";
import type { Machine } from "./machine.ts";

/** What a sandbox is told about itself. */
export type Identity = Pick<
  Hello,
  | "sandboxId"
  | "templateId"
  | "envs"
  | "network"
  | "defaults"
  | "volumes"
  | "workspaces"
  | "growDisk"
>;

/** The agent inside a machine. */
export interface Guest {
  /** Says hello and waits until the guest has corrected what restoring leaves stale. */
  hello(identity: Identity): Promise<void>;
  open(port: number): ChannelStream;
  /** What has been received from it; keeps counting. */
  readonly received: Received;
  /** Tells the guest that its network changed; resolves when the guest knows. */
  tellNetwork(network: GuestNetwork): Promise<void>;
  /**
   * Quiesces the channel so that the machine can be saved: afterwards nothing is in flight in either direction. `flags`
   * are those of `freezeFlags`.
   */
  freeze(flags?: number): Promise<void>;
  /** Resumes after `freeze`. */
  thaw(): void;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Handles a stream that the guest opens to a port of an outside host; returning false refuses it. */
export type Egress = (stream: ChannelStream, port: number, host: string) => boolean;

export function connectGuest(
  machine: Machine,
  onBroken: (error: Error) => void,
  egress: Egress = () => false,
): Guest {
  let greeting: (Waiting<void> & { nonce: string }) | undefined;
  let freezing: Waiting<void> | undefined;
  let isInUse = false;
  // An idle sandbox does not keep its program alive.
  const keepAlive = (): void => {
    if (isInUse || greeting || freezing) machine.channel.ref();
    else machine.channel.unref();
  };
  const session = new Session({
    port: machine.channel,
    bulk: machine.bulk,
    firstStream: 1,
    onStream: egress,
    onBusy(isBusy) {
      isInUse = isBusy;
      keepAlive();
    },
    onHello(payload) {
      const answer = readAnswer(payload);
      if (answer.nonce !== greeting?.nonce) return;
      if (answer.error === undefined) greeting.resolve();
      else
        greeting.reject(
          new EmberboxError(
            "boot_failed",
            `the guest could not be set up: ${answer.error.slice(0, 1000)}`,
          ),
        );
      greeting = undefined;
      keepAlive();
    },
    onFreeze: () => freezing?.resolve(),
    onBroken(error) {
      greeting?.reject(error);
      freezing?.reject(error);
      onBroken(error);
    },
  });
  return {
    hello(identity) {
      const nonce = randomBytes(16).toString("hex");
      const hello: Hello = {
        ...identity,
        nonce,
        timeMs: Date.now(),
        entropy: randomBytes(64).toString("hex"),
        machineId: randomBytes(16).toString("hex"),
      };
      return new Promise((resolve, reject) => {
        greeting = { nonce, resolve, reject };
        keepAlive();
        session.hello(Buffer.from(JSON.stringify(hello)));
      });
    },
    open: (port) => session.open(port),
    received: session.received,
    tellNetwork: (network) =>
      new Promise((resolve) => {
        const stream = session.open(NETWORK_PORT);
        stream.once("close", resolve);
        stream.resume().end(JSON.stringify(network));
      }),
    freeze: (flags) =>
      new Promise<void>((resolve, reject) => {
        freezing = { resolve, reject };
        keepAlive();
        session.hold(flags);
      }).finally(() => {
        freezing = undefined;
        keepAlive();
      }),
    thaw() {
      const missed: Thaw = { timeMs: Date.now(), entropy: randomBytes(64).toString("hex") };
      session.thaw(Buffer.from(JSON.stringify(missed)));
    },
  };
}

function readAnswer(payload: Buffer): HelloAnswer {
  const answer = JSON.parse(payload.toString()) as HelloAnswer;
  if (typeof answer?.nonce !== "string" || !["string", "undefined"].includes(typeof answer.error)) {
    throw new Error("the guest's answer is not one");
  }
  return answer;
}
