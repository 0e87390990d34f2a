import { isIP, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { NetworkLog, NetworkOptions } from "@emberbox/core/network";
import { within } from "@emberbox/core/concurrency";
import { type ChannelStream, egressAnswers, type GuestNetwork } from "@emberbox/wire";
import { Access } from "./access.ts";
import { parseAddress } from "./addresses.ts";
import type { Authority } from "./authority.ts";
import { Budget } from "./budget.ts";
import type { Opening } from "./client-hello.ts";
import { type Connection, join, sayOnly } from "./connection.ts";
import { parseCeiling } from "./ceiling.ts";
import { dial, type Target } from "./dial.ts";
import { dialThrough } from "./egress-proxy.ts";
import { printable, withHeaders } from "./headers.ts";
import { parseName } from "./hosts.ts";
import { readFirst } from "./opening.ts";
import type { Policy, Verdict } from "./policy.ts";
import { NetworkRecord } from "./record.ts";
import { createRelay, type Relay } from "./relay.ts";
import { NoSuchName } from "./resolve.ts";
import type { Uplink } from "./uplink.ts";

const MAX_CONNECTIONS = 512;
const CONNECTIONS = { burst: 512, perSecond: 128 };
/** Refusals that are explained over TLS or HTTP, which costs more than just refusing. */
const EXPLANATIONS = { burst: 64, perSecond: 16 };
/** Certificates for names that have none yet. */
const CERTIFICATES = { burst: 64, perSecond: 16 };
const COMPLAINTS = { burst: 4, perSecond: 1 };
const LOOKUPS = { burst: 256, perSecond: 64 };
/** How long a client may be silent before the server is tried, in case it speaks first, in ms. */
const SILENCE_MS = 300;
const [HTTP, HTTPS] = [80, 443];

const written = (ranges: Policy["allowed"]): string[] =>
  ranges.flatMap(({ base, bits }) =>
    base.kind() === "ipv4" ? [`${base.toString()}/${bits}`] : [],
  );

/** One sandbox's way to the outside. What it does not allow does not leave this machine. */
export class Gateway {
  readonly #uplink: Uplink;
  readonly #record: NetworkRecord;
  readonly #relay: Relay = createRelay();
  readonly #open: Set<Connection> = new Set();
  readonly #connects = new Budget(CONNECTIONS);
  readonly #lookups = new Budget(LOOKUPS);
  readonly #explanations = new Budget(EXPLANATIONS);
  readonly #certificates = new Budget(CERTIFICATES);
  readonly #complaints = new Budget(COMPLAINTS);
  #access = new Access({ network: false });
  #authority: Authority | undefined;

  constructor(sandboxId: string, uplink: Uplink) {
    this.#uplink = uplink;
    this.#record = new NetworkRecord(sandboxId);
  }

  /** Environment variables for the sandbox. */
  get envs(): Readonly<Record<string, string>> {
    return this.#access.secrets.envs;
  }

  /** What the guest is told. */
  get guest(): GuestNetwork {
    const { isOff, refused, allowed } = this.#access.policy;
    const own = this.#authority?.certificate;
    const authorities = [...this.#uplink.authorities, ...(own === undefined ? [] : [own])];
    return {
      isOff,
      refused: written(refused),
      allowed: written(allowed.filter(({ bits }) => bits > 0)),
      authority: authorities.length > 0 ? authorities.join("\n") : undefined,
    };
  }

  /** Starts letting through what is allowed; until then nothing is. */
  configure(access: Access): void {
    if (!access.isUsual) this.#authority = access.authority();
    this.#access = access;
    this.#record.listener = access.onNetwork;
  }

  /** Replaces what may be reached, and cuts connections that are no longer allowed. @throws `invalid_argument` */
  update(network: boolean | NetworkOptions): Access {
    const before = this.#access.proxy;
    const access = this.#access.with(network);
    this.configure(access);
    const isOtherWay = JSON.stringify(before) !== JSON.stringify(access.proxy);
    for (const connection of this.#open)
      if (isOtherWay) connection.stream.destroy();
      else this.#judgeAgain(connection);
    return access;
  }

  log(): NetworkLog {
    return this.#record.read([...this.#open]);
  }

  /** Takes a stream that the guest opened. */
  accept(stream: ChannelStream, port: number, host: string): boolean {
    stream.unref();
    const name = parseName(host);
    const connection: Connection = {
      stream,
      host: name ?? printable(host),
      port,
      name,
      addresses: [],
      byName: false,
    };
    const isLookup = port === 0;
    if (this.#open.size >= MAX_CONNECTIONS || !(isLookup ? this.#lookups : this.#connects).take()) {
      if (this.#complaints.take()) this.#refuse(connection, "too much was asked for at once");
      return false;
    }
    this.#open.add(connection);
    stream.once("close", () => {
      this.#open.delete(connection);
      this.#record.add(connection);
    });
    // Whatever goes wrong, nothing is let through.
    void (isLookup ? this.#lookUp(connection) : this.#connect(connection)).catch(() =>
      stream.destroy(),
    );
    return true;
  }

  close(): void {
    for (const { stream } of this.#open) stream.destroy();
  }

  async #lookUp(connection: Connection): Promise<void> {
    const verdict = await this.#judge(connection);
    if (typeof verdict === "number") return sayOnly(connection.stream, verdict);
    if (verdict.allowed) return sayOnly(connection.stream, egressAnswers.connected);
    this.#refuse(connection, verdict.reason);
    sayOnly(connection.stream, this.#explains ? egressAnswers.explained : egressAnswers.refused);
  }

  async #connect(connection: Connection): Promise<void> {
    const { stream, port, host, name } = connection;
    const verdict = await this.#judge(connection);
    if (stream.destroyed) return;
    if (typeof verdict === "number") return sayOnly(stream, verdict);
    if (!verdict.allowed) {
      this.#refuse(connection, verdict.reason);
      const isExplained = name !== undefined && this.#explains && (port === HTTP || port === HTTPS);
      if (!isExplained || !this.#explanations.take()) return sayOnly(stream, egressAnswers.refused);
      stream.write(Buffer.of(egressAnswers.connected));
      const client = port === HTTPS ? await this.#endTls(connection, name) : stream;
      if (client) this.#relay.refuse(client, verdict.reason);
      return;
    }
    connection.addresses = verdict.addresses;
    connection.byName = verdict.byName;
    const target: Target = { host, port, addresses: verdict.addresses };
    if (name !== undefined && (await this.#relays(connection, name, target))) return;
    await this.#carry(connection, target);
  }

  /**
   * Relays requests, where their headers have to be checked or set. False when the bytes are to be carried as they are.
   */
  async #relays(connection: Connection, name: string, target: Target): Promise<boolean> {
    const { stream, port, byName } = connection;
    const hasSecrets = this.#access.secrets.isFor(name);
    const hasRules = this.#access.policy.headersFor(name) !== undefined;
    const isHttp = port === HTTP && byName;
    if (!isHttp && !hasSecrets && !hasRules) return false;
    stream.write(Buffer.of(egressAnswers.connected));
    if (isHttp) {
      this.#record.allow(connection, target.addresses[0]!);
      this.#serve(connection, stream, target);
      return true;
    }
    const { opening, socket } = await this.#whoSpeaks(connection, target);
    if (opening === undefined) {
      if (socket) this.#joinTo(connection, socket);
      else stream.destroy();
    } else if (opening.kind !== "tls" && port !== HTTPS)
      await this.#carry(connection, target, true);
    else if (!this.#isFor(connection, opening)) stream.destroy();
    else {
      const client = await this.#endTls(connection, name);
      if (!client) return true;
      this.#record.allow(connection, target.addresses[0]!);
      this.#serve(connection, client, target);
    }
    return true;
  }

  #serve(
    { host, port, byName }: Connection,
    client: ChannelStream | TLSSocket,
    target: Target,
  ): void {
    const isTls = client instanceof TLSSocket;
    this.#relay.serve(client, {
      target,
      isTls,
      trusted: this.#uplink.trusted,
      via: this.#access.proxy && (() => this.#dial(target, byName)),
      // On a connection that anyone on the way can read, nothing is added.
      prepare: (given, { method, url }) => {
        if (!isTls) return given;
        const { policy, secrets } = this.#access;
        const set = policy.headersFor(host)?.({ method: method!, url: url!, headers: given });
        return secrets.fill(host, set ? withHeaders(given, set) : given);
      },
      traces: isTls ? this.#access.secrets.traces(host) : undefined,
      onRefused: (reason) => this.#record.refuse(host, port, reason),
    });
  }

  /**
   * What the client sends first; or a connection to the server, if the server spoke first. A slow client may be silent
   * for long, and a server that waits for it is silent too.
   */
  async #whoSpeaks(
    { stream, byName }: Connection,
    target: Target,
  ): Promise<{ opening?: Opening; socket?: Socket }> {
    const client = readFirst(stream);
    if (target.port === HTTPS) return { opening: await client };
    const soon = await within(SILENCE_MS, client, () => undefined, { ref: false });
    if (soon !== undefined) return { opening: soon };
    const socket = await this.#dial(target, byName).catch(() => undefined);
    if (socket === undefined) return {};
    const server = new Promise<undefined>((resolve) => {
      for (const event of ["readable", "close"]) socket.once(event, () => resolve(undefined));
    });
    const opening = await Promise.race([client, server]);
    if (opening === undefined) return { socket };
    socket.destroy();
    return { opening };
  }

  /** Carries the bytes as they are. */
  async #carry(connection: Connection, target: Target, isAnswered = false): Promise<void> {
    const { stream } = connection;
    const socket = await this.#dial(target, connection.byName).catch(() => undefined);
    if (socket === undefined || stream.destroyed) {
      socket?.destroy();
      return isAnswered ? void stream.destroy() : sayOnly(stream, egressAnswers.unreachable);
    }
    if (!isAnswered) stream.write(Buffer.of(egressAnswers.connected));
    this.#joinTo(connection, socket);
  }

  /** Connects, by way of the proxy if there is one. */
  #dial(target: Target, byName: boolean): Promise<Socket> {
    const { proxy, ceiling } = this.#access;
    if (proxy === undefined) return dial(target);
    const names = this.#uplink.resolver;
    return dialThrough(proxy, target, { byName, ceiling: parseCeiling(ceiling), names });
  }

  #joinTo(connection: Connection, socket: Socket): void {
    const { stream, byName, port } = connection;
    const reached = this.#access.proxy ? undefined : socket.remoteAddress;
    connection.addresses = [reached ?? connection.addresses[0]!];
    this.#record.allow(connection, connection.addresses[0]!);
    if (!byName) return join(stream, socket, Promise.resolve(true));
    const admit = readFirst(stream).then(
      (opening) => (opening.kind !== "tls" && port !== HTTPS) || this.#isFor(connection, opening),
    );
    join(stream, socket, admit);
  }

  #isFor(connection: Connection, opening: Opening): boolean {
    if (opening.kind === "incomplete") return false;
    if (opening.kind === "tls" && opening.serverName === connection.name) return true;
    const said =
      opening.kind === "tls"
        ? `its TLS is for ${printable(opening.serverName ?? "no name")}`
        : "it is not TLS";
    this.#refuse(connection, `${connection.host}: ${said}`);
    return false;
  }

  /**
   * Terminates TLS once the client has sent something; `undefined` when it is not TLS, or needs one certificate too
   * many.
   */
  async #endTls(connection: Connection, host: string): Promise<TLSSocket | undefined> {
    const { stream } = connection;
    // No certificate is made for clients that connect and send nothing.
    const { kind } = await readFirst(stream);
    const secureContext =
      kind === "tls"
        ? this.#authority!.contextFor(host, () => this.#certificates.take())
        : undefined;
    if (stream.destroyed) return undefined;
    if (secureContext === undefined) {
      if (kind === "tls")
        this.#refuse(connection, `${connection.host}: too many names were asked for at once`);
      stream.destroy();
      return undefined;
    }
    const socket = new TLSSocket(stream as never, {
      isServer: true,
      secureContext,
      ALPNProtocols: ["http/1.1"],
    });
    socket.on("error", () => stream.destroy());
    return socket;
  }

  /** Whether programs that speak HTTP are told why they were refused. */
  get #explains(): boolean {
    return this.#authority !== undefined;
  }

  async #judge({ name, host }: Connection): Promise<Verdict | number> {
    if (name === undefined) {
      if (isIP(host) && parseAddress(host)) return this.#access.policy.decide(undefined, [host]);
      return { allowed: false, reason: `${host} is not a host` };
    }
    const reason = this.#access.policy.refusesName(name);
    if (reason !== undefined) return { allowed: false, reason };
    try {
      const addresses = await this.#uplink.resolver.resolve(name);
      return this.#access.policy.decide(name, addresses);
    } catch (error) {
      return error instanceof NoSuchName ? egressAnswers.notFound : egressAnswers.unreachable;
    }
  }

  #judgeAgain(connection: Connection): void {
    const { name, addresses, byName, stream } = connection;
    if (addresses.length === 0) return void stream.destroy();
    const reason = name === undefined ? undefined : this.#access.policy.refusesName(name);
    const verdict: Verdict =
      reason === undefined
        ? this.#access.policy.decide(name, addresses)
        : { allowed: false, reason };
    // Otherwise what was sent was not checked against its name, or it may go to an address that is refused now.
    const isSame =
      verdict.allowed && verdict.byName === byName && verdict.addresses.length === addresses.length;
    if (isSame) return;
    this.#refuse(connection, verdict.allowed ? "the policy changed" : verdict.reason);
    stream.destroy();
  }

  #refuse({ host, port }: Connection, reason: string): void {
    this.#record.refuse(host, port === 0 ? undefined : port, reason);
  }
}
