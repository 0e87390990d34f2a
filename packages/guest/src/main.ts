import { readFileSync, writeSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { background, warning } from "@emberbox/core/background";
import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";
import {
  BOOTED_FROM_DISK,
  CHANNEL_PORT_NAME,
  type ChannelStream,
  freezeFlags,
  type Hello,
  type HelloAnswer,
  NETWORK_PORT,
  Session,
  type Thaw,
} from "@emberbox/wire";
import { openBulk } from "./bulk.ts";
import { setClockAndRandomness } from "./clock-and-randomness.ts";
import type { AgentContext } from "./context.ts";
import { receiveNetwork, startEgress } from "./egress/egress.ts";
import { readDefaults } from "./defaults.ts";
import { createEnvdHandler } from "./envd/index.ts";
import { rehearseChanges } from "./envd/workspace-changes.ts";
import { freezeUserCode, syncDisks, thawUserCode } from "./freezer.ts";
import { forward } from "./forward.ts";
import { guardAgainstFuse } from "./fuse.ts";
import { answerHealth } from "./health.ts";
import { createInterpreter } from "./interpreter/index.ts";
import { limitUserMemory, separateUserCode } from "./limits.ts";
import { openPort } from "./port.ts";
import { restore } from "./restore.ts";
import { tidyMemory } from "./tidy-memory.ts";
import { rehearseWorkspaces } from "./workspaces.ts";

const context: AgentContext = {
  envs: {},
  defaultUser: "user",
  log: (line) => void writeSync(2, `emberbox: ${line}\n`),
};

const fail = (error: unknown): void => {
  context.log(`the agent failed: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
};
process.on("uncaughtException", fail);

separateUserCode();
// A template has time to prepare everything; somebody waits for a sandbox that boots from its disk.
const isWaitedFor = readFileSync("/proc/cmdline", "utf8").split(/\s/).includes(BOOTED_FROM_DISK);
const interpreter = await createInterpreter(context, { warm: !isWaitedFor });
if (!isWaitedFor) await rehearseWorkspaces(rehearseChanges).catch(warning("Rehearsing folders"));
limitUserMemory();

readDefaults(context);
const envd = createEnvdHandler(context);
for (const [port, handler] of [
  [ENVD_PORT, envd],
  [INTERPRETER_PORT, interpreter.handler],
] as const)
  answerHealth(port, handler).on("error", (error) => context.log(`port ${port} inside: ${error}`));
const servers = new Map([
  [ENVD_PORT, serve(envd)],
  [INTERPRETER_PORT, serve(interpreter.handler)],
  [NETWORK_PORT, (stream: ChannelStream) => receiveNetwork(stream, context)],
]);

/** How often the machine was told to freeze or thaw. */
let freezes = 0;
const port = openPort(CHANNEL_PORT_NAME);
const session: Session = new Session({
  port: port.stream,
  gather: port.gather,
  bulk: openBulk(context.log),
  firstStream: 2,
  onHello: (payload) => background(begin(JSON.parse(payload.toString()) as Hello), fail),
  onStream: (stream, port) => {
    const server = servers.get(port);
    if (server === undefined) forward(stream, port);
    else server(stream);
    return true;
  },
  onFreeze: (payload) => background(freeze(payload[0] ?? 0), fail),
  onThaw: (payload) => thaw(JSON.parse(payload.toString()) as Thaw),
  onBroken: (error) => {
    context.log(`the channel broke: ${error.message}`);
    process.exit(1);
  },
});
startEgress({ context, open: (port, host) => session.open(port, host) });
context.log("ready");

async function begin(hello: Hello): Promise<void> {
  const answer: { -readonly [key in keyof HelloAnswer]: HelloAnswer[key] } = { nonce: hello.nonce };
  try {
    await restore(hello, context, interpreter);
  } catch (error) {
    answer.error = String(error);
  }
  session.hello(Buffer.from(JSON.stringify(answer)));
}

async function freeze(flags: number): Promise<void> {
  const mine = ++freezes;
  try {
    if (flags & freezeFlags.processes) await freezeUserCode();
    if (flags & freezeFlags.sync) await syncDisks();
    if (flags & freezeFlags.tidy) tidyMemory();
  } catch (error) {
    context.log(`holding still: ${error}`);
  }
  // The host stopped waiting.
  if (mine !== freezes) return;
  session.hold();
}

/** The machine stood still, and its clock with it. */
function thaw(missed: Thaw): void {
  freezes++;
  try {
    setClockAndRandomness(missed);
  } catch (error) {
    context.log(`going on: ${error}`);
  }
  thawUserCode();
}

/** An HTTP server for streams of the channel; the host sets time limits. */
function serve(handler: RequestListener): (stream: ChannelStream) => void {
  const server = createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
    handler,
  );
  server.prependListener("request", () => guardAgainstFuse(context.log));
  server.on("clientError", (_error, socket) => socket.destroy());
  return (stream) => void server.emit("connection", stream);
}
