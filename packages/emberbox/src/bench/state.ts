import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const TOUCHED_MB = 300;
const CHANGED_MB = 20;

/** Pausing and resuming a sandbox that has written to much of its memory, snapshots of it, and going back. */
export const state: GroupPlan = {
  ids: ["pause", "resume", "snapshot", "checkpoint", "rollback"],
  rounds: 5,
  warmUp: 1,
  async begin() {
    const provider = microvm();
    const sandbox = await Sandbox.create({ provider });
    // Random numbers, so that no two pages are equal.
    const { error } = await sandbox.runCode(
      `import numpy; touched = numpy.random.rand(${TOUCHED_MB} * 2**17)`,
    );
    if (error) throw new Error(error.traceback);
    const snapshot = async (): Promise<number> => {
      const started = performance.now();
      const { snapshotId } = await sandbox.createSnapshot();
      const taken = milliseconds(started);
      await Sandbox.deleteSnapshot(snapshotId, { provider });
      return taken;
    };
    const isPaused = async (): Promise<boolean> => (await sandbox.getInfo()).state === "paused";
    return {
      samplers: {
        async pause() {
          if (await isPaused()) await sandbox.connect();
          const started = performance.now();
          await sandbox.pause();
          return milliseconds(started);
        },
        async resume() {
          if (!(await isPaused())) await sandbox.pause();
          const started = performance.now();
          await sandbox.connect();
          return milliseconds(started);
        },
        async snapshot() {
          if (await isPaused()) await sandbox.connect();
          // What is unchanged since an earlier snapshot would not be written again: forget that there was one.
          await sandbox.pause();
          await sandbox.connect();
          return snapshot();
        },
        async checkpoint() {
          if (await isPaused()) await sandbox.connect();
          const { snapshotId } = await sandbox.createSnapshot();
          await sandbox.runCode(`touched[: ${CHANGED_MB} * 2**17] += 1`);
          const taken = await snapshot();
          await Sandbox.deleteSnapshot(snapshotId, { provider });
          return taken;
        },
        async rollback() {
          if (await isPaused()) await sandbox.connect();
          const { checkpointId } = await sandbox.checkpoint();
          await sandbox.runCode(`touched[: ${CHANGED_MB} * 2**17] += 1`);
          const started = performance.now();
          await sandbox.rollback(checkpointId);
          const taken = milliseconds(started);
          await sandbox.deleteCheckpoint(checkpointId);
          return taken;
        },
      },
      async [Symbol.asyncDispose]() {
        await sandbox.kill();
        await provider[Symbol.asyncDispose]();
      },
    };
  },
};
