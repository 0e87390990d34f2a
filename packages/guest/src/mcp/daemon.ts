import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ServerPlan } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { serveGateway } from "./http.ts";
import { Installer } from "./install.ts";
import type { Place } from "./run-as.ts";
import { Upstream } from "./upstream.ts";

/** Where the gateway is found, as in E2B. */
const PORT = 50005;
const TOKEN_FILE = "/etc/mcp-gateway/.token";
const LOG_FILE = "/var/log/mcp-gateway/gateway.log";
const PID_FILE = "/run/mcp-gateway.pid";
export const place: Place = { user: "user", home: "/home/user", root: "/var/lib/mcp-gateway" };
/** How long one that ran before may take to end, in ms. */
const END_MS = 10_000;

interface Order {
  readonly plans: readonly ServerPlan[];
  readonly token: string;
}

/** Starts the gateway in the background, in place of one that runs. Resolves when it listens. */
export async function startDaemon(order: Order): Promise<void> {
  await endFormer();
  for (const file of [TOKEN_FILE, LOG_FILE]) mkdirSync(dirname(file), { recursive: true });
  const log = openSync(LOG_FILE, "a", 0o600);
  const child = spawn(process.execPath, [process.argv[1]!, "--serve"], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  child.send(order);
  const [answer] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => [`it ended, see ${LOG_FILE}`]),
  ])) as [unknown];
  if (answer !== "listening") throw new Error(String(answer));
  rmSync(TOKEN_FILE, { force: true });
  writeFileSync(TOKEN_FILE, order.token, { mode: 0o600 });
  writeFileSync(PID_FILE, String(child.pid));
  child.disconnect();
  child.unref();
}

/** Whoever started it has gone, without saying what it is to do. */
const orphaned = (): never => process.exit(1);

/** The gateway itself, until it is told to end. */
export async function runDaemon(): Promise<void> {
  process.once("disconnect", orphaned);
  const [{ plans, token }] = (await once(process, "message")) as [Order];
  process.off("disconnect", orphaned);
  const log = process.stderr;
  const closing = new AbortController();
  const installer = new Installer(place, { log, signal: closing.signal });
  const upstreams: Upstream[] = [];
  const gateway = new Gateway(upstreams);
  try {
    await serveGateway({ gateway, token, port: PORT, log });
  } catch (error) {
    process.send?.((error as Error).message);
    throw error;
  }
  const onChange = (): void => gateway.changed();
  const onMessage: Gateway["message"] = (name, message) => gateway.message(name, message);
  for (const plan of plans)
    upstreams.push(new Upstream(plan, { place, installer, log, onChange, onMessage }));
  process.send?.("listening");
  await once(process, "SIGTERM");
  closing.abort();
  await Promise.all(upstreams.map((each) => each[Symbol.asyncDispose]()));
  process.exit();
}

async function endFormer(): Promise<void> {
  const pid = Number(read(PID_FILE));
  const runs = (): boolean => read(`/proc/${pid}/cmdline`).includes("mcp-gateway\0--serve");
  if (!Number.isInteger(pid) || pid < 2 || !runs()) return;
  process.kill(pid, "SIGTERM");
  for (const end = Date.now() + END_MS; runs() && Date.now() < end;) await pause(100);
  if (runs()) process.kill(pid, "SIGKILL");
  while (runs()) await pause(20);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
