import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

/** Calls in a warm sandbox. */
export const calls: GroupPlan = {
  ids: ["run_code", "run_code_javascript", "command"],
  rounds: 40,
  warmUp: 5,
  async begin() {
    const provider = microvm();
    const sandbox = await Sandbox.create({ provider });
    return {
      samplers: {
        async run_code() {
          const started = performance.now();
          const { text } = await sandbox.runCode("1+1");
          if (text !== "2") throw new Error(`1+1 answered ${text}`);
          return milliseconds(started);
        },
        async run_code_javascript() {
          const started = performance.now();
          const { text } = await sandbox.runCode("1+1", { language: "javascript" });
          if (text !== "2") throw new Error(`1+1 answered ${text}`);
          return milliseconds(started);
        },
        async command() {
          const started = performance.now();
          const { exitCode } = await sandbox.commands.run("true");
          if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`);
          return milliseconds(started);
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
