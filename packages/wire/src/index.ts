export { CAPTURE_PORT, MACHINE_ADDRESS, NAME_RANGES, NOT_PUBLIC } from "./addresses.ts";
export { type Bulk, BULK_BYTES, BULK_SERIAL, BULK_SIZE, slotOffset } from "./channel/bulk.ts";
export { freezeFlags } from "./channel/frames.ts";
export { type Received, Session, type SessionOptions } from "./channel/session.ts";
export { ChannelStream } from "./channel/stream.ts";
export { egressAnswers, type GuestNetwork, NETWORK_PORT } from "./egress.ts";
export type { GuestDefaults, Hello, HelloAnswer, Thaw } from "./hello.ts";
export { CHANNEL_PORT_NAME, VOLUMES_PORT_NAME } from "./port-names.ts";
export { BOOTED_FROM_DISK } from "./kernel-arguments.ts";
