// index
import { AgentDoor, CertificateOptions, Guard, Onward, Refusal, Target, Tokens, createGuarded, credentialHeaders, endConnection, flushHead, isSigned, maskedHost, openAgentDoor, parseUrl, passOn, passUpgrade, refusalBody, refusalOf, refusals, refuseConnection, requestHeaders, withoutSignature, writeCertificate } from "./declarations.js";
export { type AgentDoor, type CertificateOptions, type Guard, type Onward, type Refusal, type Target, type Tokens, createGuarded, credentialHeaders, endConnection, flushHead, isSigned, maskedHost, openAgentDoor, parseUrl, passOn, passUpgrade, refusalBody, refusalOf, refusals, refuseConnection, requestHeaders, withoutSignature, writeCertificate };

// declarations
import { IncomingMessage, Server, ServerResponse } from "node:http";
import { Duplex, Readable } from "node:stream";
import { Endpoint } from "@emberbox/core/provider";
import { KeyObject } from "node:crypto";
import { Dispatcher } from "undici";
export interface Target {
  readonly sandboxId: string;
  readonly port: number;
}
export interface Refusal {
  readonly status: number;
  readonly message: string;
}
export declare const refusals: Readonly<Record<"notHttp" | "gone" | "closed", Refusal>>;
export declare function refusalBody(target: Target, { status, message }: Refusal): string;
export declare function refuseConnection(client: Duplex, target: Target, refusal: Refusal): void;
export declare function endConnection(client: Duplex, status: number, body: string): void;
export interface Tokens {
  readonly access: string | undefined;
  readonly traffic: string | undefined;
}
export declare const credentialHeaders: ReadonlySet<string>;
type Asked = Pick<IncomingMessage, "method" | "url" | "headers">;
export declare function refusalOf(request: Asked, port: number, tokens: Tokens): Refusal | undefined;
export declare function parseUrl(url: string | undefined): URL | undefined;
export declare function isSigned(method: string | undefined, { searchParams }: URL, token: string): boolean;
export declare function withoutSignature(url: URL): URL;
export interface AgentDoor extends Target {
  readonly endpoint: () => Promise<Endpoint>;
  readonly tokens: Tokens;
}
export declare function openAgentDoor(door: AgentDoor): Server;
export interface CertificateOptions {
  readonly name: string;
  readonly hosts?: readonly string[];
  readonly publicKey: KeyObject;
  readonly issuer: {
    readonly name: string;
    readonly publicKey: KeyObject;
    readonly key: KeyObject;
  };
  readonly isAuthority: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
}
export declare function writeCertificate(options: CertificateOptions): string;
export interface Guard extends Target {
  readonly open: () => Promise<Duplex & {
    unref(): unknown;
  }>;
  readonly token: string | undefined;
  readonly host: string | undefined;
}
export declare function createGuarded(guard: Guard): Server;
type IsDropped = (name: string, value: string) => boolean;
export declare function requestHeaders(headers: readonly string[], host: string | undefined, isDropped?: IsDropped): string[];
export declare function maskedHost(mask: string | undefined, port: number): string | undefined;
export interface Onward {
  readonly url: string | URL;
  readonly dispatcher: Dispatcher;
  readonly headers: string[];
  readonly body?: Readable | Buffer | null | undefined;
  readonly onData?: ((chunk: Buffer) => void) | undefined;
}
export declare function passOn(request: IncomingMessage, response: ServerResponse, { url, dispatcher, headers, onData, body }: Onward): Promise<void>;
export declare function flushHead(response: ServerResponse): void;
export declare function passUpgrade(request: IncomingMessage, client: Duplex, head: Buffer, onward: Onward): Promise<void>;
export {};
