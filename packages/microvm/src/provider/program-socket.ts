import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { chmod, mkdir, open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import type { KnownSandbox } from "./known-sandbox.ts";
import type { KnownSandboxes } from "./known-sandboxes.ts";
import { closed } from "./reasons.ts";

/** Where programs that have sandboxes are reached, each at a socket of its own. */
export const programsIn = (run: string): string => join(run, "programs");

/** Of the last lines of a machine's console. */
const CONSOLE_LINES = 10_000;
/** Concurrent ways into sandboxes: the channel's other streams are left for the program's own calls. */
const MAX_TUNNELS = 256;

type Known = Pick<KnownSandboxes, "running" | "runningInfos" | "kill" | "pause">;

/**
 * Lets other programs of the same user see this program's sandboxes, end and pause them, and reach their ports: HTTP
 * over a Unix socket in a directory that only the user can enter. Nothing of it keeps the program alive.
 */
export class ProgramSocket {
  readonly #run: string;
  readonly #sandboxes: () => Known;
  #opening: Promise<void> | undefined;
  #server: Server | undefined;
  #path: string | undefined;
  #tunnels = 0;
  readonly #onExit = (): void => this.#unlink();

  constructor(run: string, sandboxes: () => Known) {
    this.#run = run;
    this.#sandboxes = sandboxes;
  }

  /** Begins to listen, the first time. Where that fails, sandboxes work all the same. */
  open(): void {
    if (this.#opening !== undefined) return;
    this.#opening = this.#listen();
    background(this.#opening, warning("Letting other programs see this one's sandboxes"));
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    process.off("exit", this.#onExit);
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#unlink();
  }

  async #listen(): Promise<void> {
    const directory = programsIn(this.#run);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const name = `${process.pid}-${randomBytes(8).toString("hex")}`;
    // The path of a socket has at most 107 bytes; those of users may be longer.
    const place = await open(directory, "r");
    try {
      const server = createServer((request, response) =>
        background(this.#answer(request, response), () => response.destroy()),
      );
      server.on("connect", (request, client, head) => this.#tunnel(request, client, head));
      server.on("connection", (socket) => socket.unref());
      server.unref().listen(`/proc/self/fd/${place.fd}/${name}`);
      await once(server, "listening");
      this.#server = server;
    } finally {
      await place.close();
    }
    this.#path = join(directory, name);
    process.once("exit", this.#onExit);
    await chmod(this.#path, 0o600);
  }

  #unlink(): void {
    if (this.#path === undefined) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // The directory was removed.
    }
    this.#path = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const [, id, what] = /^\/sandboxes(?:\/([a-z0-9]{1,64})\/(\w+))?$/.exec(request.url!) ?? [];
    const route = `${request.method} ${what ?? (request.url === "/sandboxes" ? "all" : "")}`;
    const send = (body: unknown, status = 200): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    try {
      const sandboxes = this.#sandboxes();
      if (route === "GET all")
        return send({ ...describeProgram(), sandboxes: sandboxes.runningInfos() });
      if (id === undefined) return send({}, 404);
      if (route === "POST kill") return send({ done: await sandboxes.kill(id) });
      if (route === "POST pause") return send(await sandboxes.pause(id, { keepMemory: true }));
      const known = this.#running(id);
      if (route === "GET console")
        return send({ text: known.running!.machine.machine.console.tail(CONSOLE_LINES) });
      if (route === "GET end") return send(errorOf(await endOf(known)));
      send({}, 404);
    } catch (error) {
      send(errorOf(error), 409);
    }
  }

  #running(id: string): KnownSandbox {
    const known = this.#sandboxes().running(id);
    if (known) return known;
    throw new EmberboxError("sandbox_not_found", `no sandbox \`${id}\` is running in this program`);
  }

  /** Bytes in both directions, between a client and a port of a sandbox. */
  #tunnel(request: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on("error", () => {});
    const [, id, port] = /^([a-z0-9]{1,64}):(\d{1,5})$/.exec(request.url!) ?? [];
    try {
      if (id === undefined || Number(port) > 65_535 || this.#tunnels >= MAX_TUNNELS)
        throw new EmberboxError("unsupported", "there is no such way in, or there are too many");
      const stream = this.#running(id).running!.machine.open(Number(port));
      this.#tunnels += 1;
      stream.unref();
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      if (head.length > 0) client.unshift(head);
      stream.once("close", () => {
        this.#tunnels -= 1;
        if (!stream.readableEnded) client.destroy();
      });
      client.once("close", () => {
        if (!client.readableEnded || !client.writableFinished) stream.destroy();
      });
      client.pipe(stream).pipe(client);
    } catch {
      client.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
  }
}

/** What this program is called by whoever looks at its sandboxes. */
function describeProgram(): { pid: number; name: string } {
  const name = basename(process.argv[1] ?? process.execPath);
  const [first = ""] = process.argv.slice(2);
  // A command of the command line says more than the file that all of them share.
  return {
    pid: process.pid,
    name: /^emberbox(\.mjs)?$|^bin\.ts$/.test(name) ? `emberbox ${first}`.trim() : name,
  };
}

/** Why it no longer runs, once that is so. */
async function endOf(known: KnownSandbox): Promise<Error> {
  await known.running!.machine.ended;
  return "why" in known.state ? known.state.why : closed();
}

function errorOf(error: unknown): { code: string; message: string } {
  if (EmberboxError.isInstance(error)) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}
