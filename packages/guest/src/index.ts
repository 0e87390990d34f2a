/** What the engine needs of the guest: the channel, the greeting, and the files that go into the machine. */
export { Session, type SessionOptions } from "./channel/session.ts";
export { ChannelStream } from "./channel/stream.ts";
export type { Hello, HelloAnswer } from "./hello.ts";
export { agentFiles, type AgentFile } from "./files.ts";
