import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { userInfo } from "node:os";
import {
  EmberboxError,
  ENVD_PORT,
  INTERPRETER_PORT,
  type CreateOptions,
  type SandboxConnection,
  type SandboxInfo,
  type SandboxProvider,
} from "@emberbox/core";
import { Agent } from "undici";
import { createEnvdHandler } from "../../guest/src/envd/index.ts";
import { createInterpreter } from "../../guest/src/interpreter/index.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A provider whose "sandboxes" are the guest's own services on this machine, without a machine
 * around them: the client and the guest are real, the isolation is absent.
 */
export function loopback(): SandboxProvider {
  const running = new Map<string, Running>();
  let count = 0;
  const provider: SandboxProvider = {
    name: "loopback",
    capabilities: Object.freeze({ setTimeout: false }),
    async create(options) {
      const sandbox = await start(`loopback${++count}`, options);
      running.set(sandbox.info.sandboxId, sandbox);
      return connectionTo(sandbox);
    },
    async connect(sandboxId) {
      return connectionTo(find(sandboxId));
    },
    list: async () => [...running.values()].map(({ info }) => info),
    getInfo: async (sandboxId) => find(sandboxId).info,
    async kill(sandboxId) {
      const sandbox = running.get(sandboxId);
      running.delete(sandboxId);
      await sandbox?.close();
      return sandbox !== undefined;
    },
    async [Symbol.asyncDispose]() {
      for (const sandboxId of running.keys()) await provider.kill(sandboxId);
    },
  };
  function find(sandboxId: string): Running {
    const sandbox = running.get(sandboxId);
    if (sandbox !== undefined) return sandbox;
    throw new EmberboxError("sandbox_not_found", `No sandbox has the id ${sandboxId}`);
  }
  return provider;
}

interface Running {
  readonly info: SandboxInfo;
  readonly origins: ReadonlyMap<number, string>;
  readonly dispatcher: Agent;
  closed: boolean;
  close(): Promise<void>;
}

async function start(sandboxId: string, options: CreateOptions): Promise<Running> {
  const context = {
    envs: { ...options.envs },
    accessToken: undefined,
    defaultUser: userInfo().username,
    log: () => {},
  };
  const interpreter = await createInterpreter(context);
  const envd = await serve(createEnvdHandler(context));
  const code = await serve((request, response) => interpreter.handler(request, response));
  const servers = [envd, code];
  const dispatcher = new Agent();
  const sandbox: Running = {
    info: infoOf(sandboxId, options),
    origins: new Map([
      [ENVD_PORT, originOf(envd)],
      [INTERPRETER_PORT, originOf(code)],
    ]),
    dispatcher,
    closed: false,
    async close() {
      sandbox.closed = true;
      interpreter.close();
      await dispatcher.destroy();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
  return sandbox;
}

function connectionTo(sandbox: Running): SandboxConnection {
  return {
    sandboxId: sandbox.info.sandboxId,
    endpoint: (port) => ({
      origin: sandbox.origins.get(port) ?? "http://127.0.0.1:1",
      headers: {},
      dispatcher: sandbox.dispatcher,
    }),
    gone: () =>
      sandbox.closed ? new EmberboxError("sandbox_closed", "The sandbox was closed") : undefined,
  };
}

function infoOf(sandboxId: string, options: CreateOptions): SandboxInfo {
  const startedAt = new Date();
  return {
    sandboxId,
    template: options.template ?? "default",
    metadata: { ...options.metadata },
    startedAt,
    endAt: new Date(startedAt.getTime() + (options.timeoutMs ?? 300_000)),
    cpuCount: options.cpuCount ?? 1,
    memoryMB: options.memoryMB ?? 1024,
    diskMB: options.diskMB ?? 1024,
    state: "running",
  };
}

async function serve(handler: Handler): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
