import { lookup } from "node:dns/promises";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import type { NetworkEvent, NetworkOptions } from "@emberbox/core/network";
import type { CreateOptions } from "@emberbox/core/provider";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryHolds } from "./support/memory.ts";
import {
  findRegistry,
  LOOPBACK,
  startProxy,
  startServer,
  startTestNetwork,
  type TestNetwork,
  type TestServer,
} from "./support/outside.ts";
import { machinesOf } from "./support/processes.ts";
import { python } from "./support/sandboxes.ts";

let network: TestNetwork;
let web: TestServer;
let plain: TestServer;
let echo: Server;
let echoPort: number;
const requests: Record<string, string | string[] | undefined>[] = [];
const sockets: Set<Socket> = new Set();
const MEGABYTES = 64;

beforeAll(async () => {
  network = await startTestNetwork(["api.test", "cdn.test", "db.test"]);
  const piece = Buffer.alloc(65_536, "0123456789abcdef");
  const certificate = await network.authority.certify("api.test", "cdn.test");
  web = await startServer((request, response) => {
    requests.push(request.headers);
    if (request.url === "/large")
      pipeline(
        Readable.from(Array.from({ length: MEGABYTES * 16 }, () => piece)),
        response,
        () => {},
      );
    else if (request.url === "/upload") {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => (bytes += chunk.length));
      request.on("end", () => response.end(String(bytes)));
    } else if (request.url?.startsWith("/git/")) sendRepository(request.url.slice(5), response);
    else response.end(`for ${request.headers.host}: ${request.headers.authorization}`);
  }, certificate);
  web.server.on("upgrade", (request, socket: Socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(Buffer.from("\u0081\u0005hello", "latin1"));
    // The client's one message is that it closes.
    socket.once("data", () => socket.end(Buffer.from([0x88, 0])));
  });
  plain = await startServer(
    (request, response) => void response.end(`plain for ${request.headers.host}`),
  );
  echo = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.write("ready\n");
    socket.pipe(socket);
  }).listen(0, LOOPBACK);
  await once(echo, "listening");
  echoPort = (echo.address() as AddressInfo).port;
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
  echo.close();
});

/** Serves the files of a repository that is made once, as any web server would. */
function sendRepository(path: string, response: ServerResponse): void {
  const directory = (repository ??= makeRepository());
  const file = join(directory, path.split("?")[0]!);
  if (existsSync(file)) response.end(readFileSync(file));
  else response.writeHead(404).end();
}
let repository: string | undefined;
afterAll(() => repository && rmSync(repository, { recursive: true }));

function makeRepository(): string {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-git-"));
  const commands = `git init -q work && cd work && echo from the server > note && git add note
git -c user.name=n -c user.email=n@example.com commit -qm first && cd .. && git clone -q --bare work it.git
git -C it.git update-server-info`;
  execFileSync("sh", ["-ec", commands], { cwd: directory, stdio: "ignore" });
  return directory;
}

const only = (...allowOut: string[]): NetworkOptions => ({ allowOut, denyOut: ["0.0.0.0/0"] });
const create = (options: CreateOptions = {}): Promise<Sandbox> =>
  Sandbox.create({ provider: network.provider, timeoutMs: 900_000, ...options });
async function sh(sandbox: Sandbox, command: string): Promise<string> {
  const { stdout, stderr } = await sandbox.commands.run(command, { timeoutMs: 280_000 });
  return stdout + stderr;
}

describe("a sandbox with an allow-list", () => {
  const events: NetworkEvent[] = [];
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await create({
      network: only("api.test", "db.test", LOOPBACK),
      onNetwork: (event: NetworkEvent) => events.push(event),
    });
    await sandbox.files.write("/tmp/test-ca.pem", network.authority.ca);
    return () => sandbox.kill();
  });

  test("programs that know nothing of proxies reach what is allowed, on any port", async () => {
    const url = `https://api.test:${web.port}/`;
    expect(await sh(sandbox, `curl -sS --cacert /tmp/test-ca.pem ${url}`)).toBe(
      `for api.test:${web.port}: undefined`,
    );
    expect(await sh(sandbox, `curl -sS http://db.test:${plain.port}/`)).toBe(
      `plain for db.test:${plain.port}`,
    );
    const code = `import socket, requests
s = socket.create_connection(("db.test", ${echoPort}), 30)
print(s.recv(6), s.sendall(b"select 1"), s.recv(8))
print(requests.get("${url}", verify="/tmp/test-ca.pem").status_code)`;
    expect(await python(sandbox, code)).toBe("b'ready\\n' None b'select 1'\n200\n");
    const fetched = await sandbox.commands.run(
      `node -e "fetch('${url}').then((r) => r.text()).then(console.log)"`,
      { envs: { NODE_EXTRA_CA_CERTS: "/tmp/test-ca.pem" } },
    );
    expect(fetched.stdout + fetched.stderr).toBe(`for api.test:${web.port}: undefined\n`);
  });

  test("git over HTTPS and WebSockets work", async () => {
    const url = `api.test:${web.port}`;
    const clone = await sandbox.commands.run(
      `git -c http.sslCAInfo=/tmp/test-ca.pem clone -q https://${url}/git/it.git && cat it/note`,
    );
    expect(clone.stdout + clone.stderr).toBe("from the server\n");
    const code = `const socket = new WebSocket("wss://${url}/socket");
socket.onmessage = ({ data }) => { console.log(data); socket.close(); };
socket.onerror = () => console.log("failed");`;
    const { stdout } = await sandbox.commands.run(`node -e '${code}'`, {
      envs: { NODE_EXTRA_CA_CERTS: "/tmp/test-ca.pem" },
    });
    expect(stdout).toBe("hello\n");
  });

  test("what is refused fails at once, and programs are told why", async () => {
    const said = await sh(
      sandbox,
      `curl -sS https://elsewhere.test/; curl -sS http://elsewhere.test/; curl -sS -o /dev/null -w '%{http_code}\\n' http://elsewhere.test/x`,
    );
    const reason = "Refused by the sandbox's network policy: elsewhere.test is not in allowOut.\n";
    const [refused, failed] = said.split(/(?=curl: )/s, 2);
    expect(refused).toBe(`${reason}${reason}403\n`);
    // Its words differ by version.
    expect(failed).toMatch(/^curl: \(18\) .*\n$/);
    expect(said).toBe(`${refused}${failed!.repeat(3)}`);
    const tries = ["-sI https", "-s https", "-sI http", "-s http"].map(
      (way) => `curl ${way}://elsewhere.test/ > /dev/null && echo ${way} succeeded;`,
    );
    expect(await sh(sandbox, tries.join(""))).toBe("");
    const code = `import requests, socket
print(requests.get("https://elsewhere.test/").text)
for to in [("elsewhere.test", 5432), ("8.8.8.8", 443), ("10.0.0.1", 80), ("169.254.169.254", 80)]:
  try: socket.create_connection(to, 30)
  except OSError as error: print(type(error).__name__)`;
    expect(await python(sandbox, code)).toBe(`${reason}\n${"ConnectionRefusedError\n".repeat(4)}`);
    const javascript = `await fetch("https://elsewhere.test/").then((answer) => answer.status)`;
    expect((await sandbox.runCode(javascript, { language: "javascript" })).text).toBe("403");
  });

  test("TLS for another host than was asked for is cut", async () => {
    const to = `--connect-to cdn.test:443:api.test:${web.port}`;
    const said = await sandbox.commands.run(`curl -sS -k ${to} https://cdn.test/`);
    expect(said.exitCode).not.toBe(0);
    expect(events.at(-1)).toMatchObject({
      host: "api.test",
      reason: "api.test: its TLS is for cdn.test",
    });
  });

  test("UDP and IPv6 are refused at once", async () => {
    const code = `import socket
for family, kind, to in [(2, 2, ("8.8.8.8", 53)), (2, 2, ("8.8.8.8", 443)), (10, 1, ("2606:4700::1111", 443))]:
  s = socket.socket(family, kind); s.settimeout(30)
  try: s.connect(to); s.send(b"x"); print(s.recv(9))
  except OSError as error: print(type(error).__name__)`;
    expect(await python(sandbox, code)).toBe("PermissionError\nPermissionError\nOSError\n");
  });

  test("every decision is told, and what was refused is listed", async () => {
    expect(events).toContainEqual(
      expect.objectContaining({
        decision: "allowed",
        sandboxId: sandbox.sandboxId,
        host: "db.test",
        port: echoPort,
        address: LOOPBACK,
      }),
    );
    const log = await sandbox.getNetworkLog();
    expect(log.refusals).toContainEqual(
      expect.objectContaining({
        host: "elsewhere.test",
        port: 443,
        reason: "elsewhere.test is not in allowOut",
      }),
    );
    expect(log.allowed).toBeGreaterThan(3);
    expect(log.bytesReceived).toBeGreaterThan(100);
  });

  test("a changed policy cuts what it no longer allows, and applies to what comes", async () => {
    const talking = await sandbox.commands.run(`nc db.test ${echoPort}`, {
      background: true,
      stdin: true,
    });
    await expect.poll(() => talking.stdout, { timeout: 60_000 }).toBe("ready\n");
    await sandbox.updateNetwork(only("api.test", LOOPBACK));
    await talking.wait();
    await expect.poll(() => sockets.size).toBe(0);
    expect(await sh(sandbox, "curl -sS http://db.test/")).toContain("db.test is not in allowOut");
    await sandbox.updateNetwork(false);
    expect(await sh(sandbox, `curl -sS http://api.test/; curl -sS http://${LOOPBACK}:9/`)).toMatch(
      /policy: the network is off.\n.*Failed to connect to 127/s,
    );
    await sandbox.updateNetwork(only("db.test", LOOPBACK));
    expect(await sh(sandbox, `curl -sS http://db.test:${plain.port}/`)).toContain(
      "plain for db.test",
    );
  });
});

test("large transfers pass whole, in both directions, and the host's memory does not grow with them", async () => {
  await using sandbox = await create({ network: only("api.test", LOOPBACK) });
  const url = `https://api.test:${web.port}`;
  const bytes = String(MEGABYTES * 1024 * 1024);
  // What the first transfer needs stays; what the next ones add is what they hold.
  await sh(sandbox, `curl -sSk ${url}/large | head -c 16000000 > /dev/null`);
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  expect(await sh(sandbox, `curl -sSk ${url}/large | tee /tmp/large | wc -c`)).toBe(`${bytes}\n`);
  expect(await sh(sandbox, `curl -sSk -T /tmp/large ${url}/upload`)).toBe(bytes);
  clearInterval(watch);
  expect(peak - before).toBeLessThan((MEGABYTES / 2) * 1024 * 1024);
});

test("with the network off nothing is reached, and nothing is asked for", async () => {
  const before = network.names.asked.length;
  await using sandbox = await create({ network: false });
  const said = await sh(sandbox, `curl -sS http://api.test/; curl -sS -m 30 http://8.8.8.8/`);
  expect(said).toMatch(/policy: the network is off.\n.*Failed to connect to 8.8.8.8/s);
  const events = (await sandbox.getNetworkLog()).refusals;
  expect(events).toContainEqual(
    expect.objectContaining({ host: "api.test", reason: "the network is off" }),
  );
  expect(network.names.asked.length).toBe(before);
});

test("with the network off package managers give up at the first try, and say why", async () => {
  await using sandbox = await create({ network: false });
  const url = "https://packages.test";
  const sources = "-o Dir::Etc::sourcelist=/tmp/sources.list -o Dir::Etc::sourceparts=-";
  const tries = {
    pip: `pip install --index-url ${url}/simple nothing-there`,
    npm: `npm install --prefix /tmp/p --registry ${url} nothing-there`,
    apt: `echo 'deb ${url} stable main' > /tmp/sources.list; sudo apt-get update ${sources}`,
    git: `git clone ${url}/it.git /tmp/it`,
    curl: `curl -sS ${url}`,
    python: `python3 -c 'import urllib.request as r; r.urlopen("${url}")'`,
  };
  for (const [program, command] of Object.entries(tries)) {
    const before = (await sandbox.getNetworkLog()).refused;
    expect(await sh(sandbox, `${command} 2>&1`), program).toMatch(
      /the network is off|error: 403|No matching distribution/,
    );
    // A look-up or two and a connection or two, for each address of a family; what is tried again is more.
    expect((await sandbox.getNetworkLog()).refused - before, program).toBeLessThan(10);
  }
});

test("the host's own services are not reached by default", async () => {
  await using sandbox = await create();
  const said = await sh(
    sandbox,
    `curl -sS http://api.test:${plain.port}/; curl -sS -m 30 http://10.0.0.1/`,
  );
  expect(said).not.toContain("plain for");
  expect((await sandbox.getNetworkLog()).refusals[0]).toMatchObject({
    reason: `api.test: ${LOOPBACK} is a loopback address`,
  });
});

test("what programs send goes by way of a SOCKS5 proxy, which knows who asks and they do not", async () => {
  await using proxy = await startProxy("me:secret-password");
  const egressProxy = { address: proxy.address, username: "me", password: "secret-password" };
  const policy = only("api.test", LOOPBACK);
  await using sandbox = await create({ network: { ...policy, egressProxy } });
  const url = `http://api.test:${plain.port}/`;
  const ask = `curl -sS -m 60 ${url} 2>&1; env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'`;
  const said = await sh(sandbox, ask);
  expect(said).toContain(`plain for api.test:${plain.port}`);
  expect(said).not.toContain("secret-password");
  const asked = `me:secret-password@api.test:${plain.port}`;
  expect(proxy.asked).toEqual([asked]);
  const refused = await sh(sandbox, `curl -sS -m 60 http://cdn.test:${plain.port}/ 2>&1`);
  expect(refused).not.toContain("plain for");
  expect(proxy.asked).toEqual([asked]);
  await sandbox.pause();
  await sandbox.connect();
  expect(await sh(sandbox, `curl -sS -m 60 ${url}`)).toContain("plain for");
  expect(proxy.asked).toEqual([asked, asked]);
  await sandbox.updateNetwork({ ...policy, egressProxy: { ...egressProxy, password: "wrong" } });
  expect(await sh(sandbox, `curl -sS -m 60 ${url} 2>&1`)).not.toContain("plain for");
  await sandbox.updateNetwork(policy);
  expect(await sh(sandbox, `curl -sS -m 60 ${url}`)).toContain("plain for");
  expect(proxy.asked).toEqual([asked, asked]);
});

describe("secrets", () => {
  const VALUE = "correct-horse-battery-staple";
  const secrets = { API_KEY: { value: VALUE, hosts: ["api.test"] } };

  test("a secret reaches its host and never enters the sandbox", async () => {
    await using sandbox = await create({
      network: only("api.test", "cdn.test", LOOPBACK),
      secrets,
    });
    const url = `https://api.test:${web.port}/`;
    const header = `-H "Authorization: Bearer $API_KEY"`;
    const said = await sh(
      sandbox,
      `curl -sS ${header} ${url}; echo; curl -sS -u "me:$API_KEY" ${url}; echo; curl -sSk ${header} https://cdn.test:${web.port}/; echo; env`,
    );
    const sent = requests.slice(-3).map(({ authorization }) => String(authorization));
    expect(sent[0]).toBe(`Bearer ${VALUE}`);
    expect(Buffer.from(sent[1]!.slice(6), "base64").toString()).toBe(`me:${VALUE}`);
    expect(sent[2]).toMatch(/^Bearer emberbox-secret-[0-9a-f]{32}$/);
    expect(said).not.toContain(VALUE);
    expect(said).toContain("*".repeat(VALUE.length));
    const code = `import os, requests
print(requests.get("${url}", headers={"X-Key": os.environ["API_KEY"]}).status_code)`;
    expect(await python(sandbox, code)).toBe("200\n");
    expect(requests.at(-1)).toMatchObject({ "x-key": VALUE });
    const javascript = `await fetch("${url}", { headers: { "x-key": process.env.API_KEY } }).then((r) => r.status)`;
    expect((await sandbox.runCode(javascript, { language: "javascript" })).text).toBe("200");
    const machine = machinesOf().find(({ pid }) =>
      memoryHolds(pid, Buffer.from(sandbox.sandboxId)),
    )!;
    expect(memoryHolds(machine.pid, Buffer.from(VALUE))).toBe(false);
  });

  test("a secret for a host that the policy refuses is an error, and no sandbox is made", async () => {
    const wrong = create({ network: only("cdn.test"), secrets });
    await expect(wrong).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.not.stringContaining(VALUE),
    });
    await expect(create({ network: only("not a name") })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(create({ secrets, envs: { API_KEY: "x" } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});

test("apt installs from the archive that the image came from, where it is allowed", async () => {
  await using own = microvm();
  await using sandbox = await Sandbox.create({ provider: own, timeoutMs: 600_000, network: false });
  const sources = await sh(sandbox, "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>&1");
  const host = /https?:\/\/(?!security)([\w.-]+)/.exec(sources)![1]!;
  await sandbox.updateNetwork(only(host, (await lookup(host, 4)).address));
  // The archive of security updates is another host, and stays refused.
  const install =
    "sudo apt-get update -qq 2>&1; sudo apt-get install -y -qq tree 2>&1; tree --version";
  expect(await sh(sandbox, install)).toMatch(/Refused by policy: security[^]*tree v\d/);
}, 600_000);

test("npm installs from the registry where it is allowed, and is refused at once where not", async () => {
  const registry = await findRegistry();
  await using own = microvm();
  await using sandbox = await Sandbox.create({
    provider: own,
    timeoutMs: 900_000,
    network: only(...registry.allowOut),
  });
  await sandbox.files.write("/tmp/ca.pem", registry.ca);
  const install = (name: string): string =>
    `mkdir -p /tmp/p && cd /tmp/p && npm install --registry ${registry.url} ${name} 2>&1`;
  expect(
    await sh(
      sandbox,
      `export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; ${install("is-number@7.0.0")} && node -p 'require("is-number")(3)'`,
    ),
  ).toMatch(/added 1 package[^]*true\n$/);
  await sandbox.updateNetwork(false);
  expect(await sh(sandbox, install("is-odd"))).toMatch(/403 Refused by policy: the network is off/);
}, 600_000);
