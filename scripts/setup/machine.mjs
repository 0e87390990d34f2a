import { StepFailed } from "./steps.mjs";

const OLDEST_NODE = 20;

/** Refuses machines on which none of this can work. */
export function checkMachine() {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    throw new StepFailed(
      `this needs Linux on x86-64 or arm64; this machine is ${process.platform} on ${process.arch}`,
    );
  }
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new StepFailed(
      `this needs Node ${OLDEST_NODE} or newer; this is ${process.versions.node}`,
    );
  }
}

/** Refuses what only root can do. */
export function demandRoot(why) {
  if (process.getuid() !== 0) throw new StepFailed(`this needs root: ${why}`);
}
