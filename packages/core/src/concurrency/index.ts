export { Queue } from "./queue.ts";
export { SharedWork } from "./shared-work.ts";
export { untilAborted } from "./until-aborted.ts";
export { within } from "./within.ts";
