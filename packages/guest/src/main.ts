import { writeSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { connect } from "node:net";
import { Session } from "./channel/session.ts";
import type { ChannelStream } from "./channel/stream.ts";
import type { AgentContext } from "./context.ts";
import { createEnvdHandler } from "./envd/index.ts";
import type { Hello, HelloAnswer } from "./hello.ts";
import { createInterpreter } from "./interpreter/index.ts";
import { limitUserMemory, separateUserCode } from "./limits.ts";
import { openPort } from "./port.ts";
import { restore } from "./restore.ts";

const ENVD_PORT = 49983;
const INTERPRETER_PORT = 49999;

const context: AgentContext = {
  envs: {},
  accessToken: undefined,
  defaultUser: "user",
  log: (line) => void writeSync(2, `emberbox: ${line}\n`),
};

process.on("uncaughtException", (error) => {
  context.log(`the agent failed: ${error.stack ?? error}`);
  process.exit(1);
});

separateUserCode();
const interpreter = await createInterpreter(context);
await interpreter.warm();
limitUserMemory();

const servers = new Map([
  [ENVD_PORT, serve(createEnvdHandler(context))],
  [INTERPRETER_PORT, serve(interpreter.handler)],
]);

const port = openPort();
const session: Session = new Session({
  port: port.stream,
  gather: port.gather,
  firstStream: 2,
  onHello: (payload) => void begin(JSON.parse(payload.toString()) as Hello),
  onStream: (stream, port) => {
    const server = servers.get(port);
    if (server === undefined) forward(stream, port);
    else server(stream);
    return true;
  },
  onFreeze: () => session.freeze(),
  onBroken: (error) => {
    context.log(`the channel broke: ${error.message}`);
    process.exit(1);
  },
});
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

/** An HTTP server for streams of the channel; time limits are the host's business. */
function serve(handler: RequestListener): (stream: ChannelStream) => void {
  const server = createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
    handler,
  );
  server.on("clientError", (_error, socket) => socket.destroy());
  return (stream) => void server.emit("connection", stream);
}

/** Joins a stream to a server that runs inside the sandbox. */
function forward(stream: ChannelStream, port: number): void {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => stream.destroy());
  socket.on("close", () => stream.destroy());
  stream.on("close", () => socket.destroy());
  stream.pipe(socket).pipe(stream);
}
