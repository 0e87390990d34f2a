import { randomBytes } from "node:crypto";
import { EmberboxError } from "@emberbox/core";
import { type ChannelStream, type Hello, type HelloAnswer, Session } from "@emberbox/guest";
import type { Machine } from "./machine.ts";

/** What a sandbox is told about itself. */
export type Identity = Pick<Hello, "sandboxId" | "accessToken" | "envs" | "growDisk">;

/** The agent inside a machine. */
export interface Guest {
  /** Says hello and waits until the guest has set right what restoring forgets. */
  hello(identity: Identity): Promise<void>;
  open(port: number): ChannelStream;
  /** Ends the session so that the machine can be saved: afterwards nothing is on its way in either direction. */
  freeze(): Promise<void>;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export function connectGuest(machine: Machine, onBroken: (error: Error) => void): Guest {
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
    firstStream: 1,
    onStream: () => false,
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
    freeze: () =>
      new Promise((resolve, reject) => {
        freezing = { resolve, reject };
        keepAlive();
        session.freeze();
      }),
  };
}

function readAnswer(payload: Buffer): HelloAnswer {
  const answer = JSON.parse(payload.toString()) as HelloAnswer;
  if (typeof answer?.nonce !== "string" || !["string", "undefined"].includes(typeof answer.error)) {
    throw new Error("the guest's answer is not one");
  }
  return answer;
}
