import type { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { EmberboxServer } from "@emberbox/server";
import type { Probed } from "./probe.ts";

/** What attempts are made in. */
export interface World {
  readonly provider: SandboxProvider;
  /** A sandbox that attempts share. */
  readonly sandbox: Sandbox;
  /** A neighbour, which must not notice. */
  readonly bystander: Sandbox;
  /** A sandbox of the attempt's own, which may not survive it. */
  readonly create: () => Promise<Sandbox>;
  /** A client of a server that has the usual ceiling. */
  readonly client: () => Promise<Client>;
  /** What attempts on the network are made in. */
  readonly outside: () => Promise<Outside>;
  /** What a program that runs in QEMU's place has seen, by attempt, in each world of `probeWorlds`. */
  readonly probes: () => Promise<readonly Probed[]>;
  /** A server with two tenants. */
  readonly served: () => Promise<Served>;
}

export interface Outcome {
  /** What shows that the attempt arrived where it was to do harm. Empty when it did not: then it shows nothing. */
  readonly delivered: string;
  /** What came of it. */
  readonly seen: string;
  /** Who was seen to refuse it, where that is not who is named by the attempt. */
  readonly refusedBy?: string;
}

/** A server as it is without options. */
export interface Client extends AsyncDisposable {
  /** A sandbox of its. */
  readonly id: string;
  /** Status and message of an answer, and the id in it. */
  ask(method: string, path: string, body?: object): Promise<{ said: string; id: string }>;
  /** What a program in a sandbox gets of the host. */
  reach(id: string): Promise<string>;
}

/** A server with two tenants, one of which has a sandbox. */
export interface Served extends AsyncDisposable {
  readonly server: EmberboxServer;
  readonly sandboxId: string;
  readonly envdToken: string;
  /** The same through the engine, which knows what arrived inside. */
  readonly inside: Sandbox;
  readonly provider: SandboxProvider;
}

export interface Outside extends AsyncDisposable {
  /** May reach the public internet, and has root remove the guest's own rules: what is left is the gateway. */
  readonly open: Sandbox;
  /** May reach `api.test` and `cdn.test`, and has a secret for the first, `$KEY`, and a rule with `RULE` for the other. */
  readonly listed: Sandbox;
  /** Names that the name server was asked for. */
  readonly asked: readonly string[];
  /** What servers of the internet's stand-in were sent, as `METHOD path Host key`. */
  readonly sent: readonly string[];
  /** Runs a script as root; what it printed, and what the gateway decided meanwhile. */
  run(sandbox: Sandbox, script: string): Promise<Outcome>;
  /** What the gateway decides about hosts that an agent asks for which root has taken over, by host. */
  raw(): Promise<Raw>;
}

export interface Raw {
  readonly decisions: readonly string[];
  readonly asked: number;
  readonly held: number;
  readonly bystander: string;
}
