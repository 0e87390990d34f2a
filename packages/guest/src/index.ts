/** What the engine needs of the guest: the channel, the greeting, and the files that go into the machine. */
export { freezeFlags } from "./channel/frames.ts";
export { type Received, Session, type SessionOptions } from "./channel/session.ts";
export { ChannelStream } from "./channel/stream.ts";
export { egressAnswers, type GuestNetwork, NETWORK_PORT } from "./egress/protocol.ts";
export type { Hello, HelloAnswer, Thaw } from "./hello.ts";
export { BOOTED_FROM_DISK } from "./kernel-arguments.ts";
export { agentFiles, type AgentFile } from "./files.ts";
