// index
import { BOOTED_FROM_DISK, BULK_BYTES, BULK_SERIAL, BULK_SIZE, Bulk, CAPTURE_PORT, CHANNEL_PORT_NAME, ChannelStream, GuestDefaults, GuestNetwork, GuestWorkspace, Hello, HelloAnswer, MACHINE_ADDRESS, NAME_RANGES, NETWORK_PORT, NOT_PUBLIC, Received, Session, SessionOptions, Thaw, VOLUMES_PORT_NAME, WAITING_PATH, WORKSPACE_SERIAL, egressAnswers, freezeFlags, slotOffset } from "./declarations.js";
export { BOOTED_FROM_DISK, BULK_BYTES, BULK_SERIAL, BULK_SIZE, type Bulk, CAPTURE_PORT, CHANNEL_PORT_NAME, ChannelStream, type GuestDefaults, type GuestNetwork, type GuestWorkspace, type Hello, type HelloAnswer, MACHINE_ADDRESS, NAME_RANGES, NETWORK_PORT, NOT_PUBLIC, type Received, Session, type SessionOptions, type Thaw, VOLUMES_PORT_NAME, WAITING_PATH, WORKSPACE_SERIAL, egressAnswers, freezeFlags, slotOffset };

// declarations
import { Duplex } from "node:stream";
export declare const WAITING_PATH = "/emberbox/waiting";
export declare const MACHINE_ADDRESS = "198.18.0.1";
export declare const CAPTURE_PORT = 3129;
export declare const NAME_RANGES: {
  readonly reached: "198.18.0.0/16";
  readonly refused: "198.19.0.0/16";
};
export declare const NOT_PUBLIC: readonly string[];
export declare const BULK_BYTES = 524288;
export declare const BULK_SIZE: number;
export declare const BULK_SERIAL = "emberbox-bulk";
export interface Bulk {
  put(slot: number, data: Uint8Array): boolean;
  take(slot: number, bytes: number): Buffer;
}
export declare const slotOffset: (firstStream: 1 | 2, slot: number) => number;
declare const frameKinds: {
  readonly hello: 0;
  readonly open: 1;
  readonly data: 2;
  readonly end: 3;
  readonly reset: 4;
  readonly window: 5;
  readonly freeze: 6;
  readonly thaw: 7;
  readonly bulk: 8;
  readonly taken: 9;
};
export declare const freezeFlags: {
  readonly processes: 1;
  readonly sync: 2;
  readonly tidy: 4;
};
declare class Turn {
  #private;
  number: number;
  hasTime(): boolean;
  next(callback: () => void): void;
}
interface StreamPort {
  sendData(id: number, data: Buffer): void;
  capacity(): number;
  sendEnd(id: number): void;
  sendReset(id: number): void;
  sendWindow(id: number, bytes: number): void;
  whenWritable(callback: () => void): void;
  forget(id: number): void;
  keep(bytes: number): boolean;
  readonly turn: Turn | undefined;
  hold(isHeld: boolean): void;
}
export declare class ChannelStream extends Duplex {
  #private;
  readonly id: number;
  bytesSent: number;
  bytesReceived: number;
  constructor(id: number, port: StreamPort);
  mayReceive(bytes: number): boolean;
  receive(part: Buffer): boolean;
  receiveEnd(): void;
  receiveReset(reason: Error): void;
  abandon(reason: Error): void;
  receiveWindow(bytes: number): boolean;
  ref(): this;
  unref(): this;
  setTimeout(): this;
  setNoDelay(): this;
  setKeepAlive(): this;
}
export interface SessionOptions {
  readonly port: Duplex;
  readonly gather?: (chunk: Buffer) => Buffer;
  readonly bulk?: Bulk | undefined;
  readonly firstStream: 1 | 2;
  readonly onHello: (payload: Buffer) => void;
  readonly onStream: (stream: ChannelStream, port: number, host: string) => boolean;
  readonly onFreeze?: (payload: Buffer) => void;
  readonly onThaw?: (payload: Buffer) => void;
  readonly onBusy?: (isBusy: boolean) => void;
  readonly onBroken: (error: Error) => void;
}
export interface Received {
  bytes: number;
  readonly frames: Record<keyof typeof frameKinds, number>;
}
export declare class Session {
  #private;
  readonly received: Received;
  constructor(options: SessionOptions);
  hello(payload: Uint8Array): void;
  open(port: number, host?: string): ChannelStream;
  hold(flags?: number): void;
  thaw(payload?: Uint8Array): void;
  forgetAll(reason: Error): void;
}
export declare const egressAnswers: {
  readonly connected: 0;
  readonly refused: 1;
  readonly explained: 2;
  readonly notFound: 3;
  readonly unreachable: 4;
};
export declare const NETWORK_PORT = 0;
export interface GuestNetwork {
  readonly isOff: boolean;
  readonly refused: readonly string[];
  readonly allowed: readonly string[];
  readonly authority: string | undefined;
}
export declare const WORKSPACE_SERIAL = "emberbox-folders";
export interface GuestWorkspace {
  readonly number: number;
  readonly path: string;
  readonly isWritable: boolean;
}
export interface Hello {
  readonly nonce: string;
  readonly sandboxId: string;
  readonly templateId: string;
  readonly timeMs: number;
  readonly entropy: string;
  readonly machineId: string;
  readonly envs: Readonly<Record<string, string>>;
  readonly network?: GuestNetwork | undefined;
  readonly defaults?: GuestDefaults | undefined;
  readonly volumes?: readonly string[] | undefined;
  readonly workspaces?: readonly GuestWorkspace[] | undefined;
  readonly growDisk: boolean;
}
export interface GuestDefaults {
  readonly user: string;
  readonly workdir: string;
}
export type Thaw = Pick<Hello, "timeMs" | "entropy">;
export interface HelloAnswer {
  readonly nonce: string;
  readonly error?: string;
}
export declare const CHANNEL_PORT_NAME = "emberbox";
export declare const VOLUMES_PORT_NAME = "emberbox.volumes";
export declare const BOOTED_FROM_DISK = "emberbox.from=disk";
export {};
