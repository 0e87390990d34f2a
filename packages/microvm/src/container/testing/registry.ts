import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Debian's package `docker-registry`, on a port of this machine; who may read from it is asked who they are. */
export async function startRegistry(
  directory: string,
): Promise<{ host: string; username: string; password: string } & AsyncDisposable> {
  const host = `localhost:${await freePort()}`;
  // `secret`, by bcrypt.
  const hash = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
  writeFileSync(join(directory, "users"), `reader:${hash}\n`);
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(directory, "registry") } },
    http: { addr: host },
    auth: { htpasswd: { realm: "tests", path: join(directory, "users") } },
  };
  // JSON is YAML.
  const file = join(directory, "registry.yml");
  writeFileSync(file, JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", file], { stdio: "ignore" });
  const ended = once(child, "exit");
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    if (await fetch(`http://${host}/v2/`).catch(() => undefined)) break;
    await sleep(100);
  }
  return {
    ...{ host, username: "reader", password: "secret" },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** What a registry answers for a path; `undefined` for what is not there. */
export type Answer = Buffer | ((response: ServerResponse) => void) | undefined;

/** A registry that answers what a test wants, and writes down what it was asked. */
export async function startFalseRegistry(
  answer: (path: string, request: IncomingMessage) => Answer,
): Promise<{ host: string; asked: string[] } & AsyncDisposable> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url!.replace(/^\/v2\/it\//, "");
    asked.push(path);
    if (path === "/v2/") return void response.end("{}");
    const given = answer(path, request);
    if (typeof given === "function") return given(response);
    if (given === undefined) return void response.writeHead(404).end("{}");
    if (path.startsWith("manifests/"))
      response.setHeader("Content-Type", "application/vnd.oci.image.manifest.v1+json");
    response.setHeader("Docker-Content-Digest", digestOf(given));
    response.end(request.method === "HEAD" ? undefined : given);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export const digestOf = (data: Buffer | string): string =>
  `sha256:${createHash("sha256").update(data).digest("hex")}`;
