import type { HarnessV1, HarnessV1Session } from "@ai-sdk/harness";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};
const harnessId = "shell";
const specificationVersion = "harness-v1";

const no = (): never => {
  throw new Error("Not here");
};

/** The simplest possible agent for a harness: each prompt is a command line, and its output is the answer. */
export const shellHarness: HarnessV1 = {
  specificationVersion,
  harnessId,
  builtinTools: {},
  getBootstrap: async () => ({
    harnessId,
    bootstrapDir: "/home/user/.shell-harness",
    files: [{ path: "/home/user/.shell-harness/greeting", content: "hello" }],
    commands: [{ command: "date +%N >> /home/user/.shell-harness/prepared" }],
  }),
  doStart: async ({ sessionId, resumeFrom, sandboxSession, sessionWorkDir }) => {
    const state = { harnessId, specificationVersion, data: {}, type: "resume-session" } as const;
    const session: HarnessV1Session = {
      sessionId,
      isResume: resumeFrom !== undefined,
      async doPromptTurn({ prompt, emit, abortSignal }) {
        const { stdout } = await sandboxSession.run({
          command: String(prompt),
          workingDirectory: sessionWorkDir,
          ...(abortSignal && { abortSignal }),
        });
        const finishReason = { unified: "stop", raw: undefined } as const;
        emit({ type: "stream-start" });
        emit({ type: "text-start", id: "t" });
        emit({ type: "text-delta", id: "t", delta: stdout });
        emit({ type: "text-end", id: "t" });
        emit({ type: "finish-step", finishReason, usage });
        emit({ type: "finish", finishReason, totalUsage: usage });
        return { submitToolResult: no, done: Promise.resolve() };
      },
      doCompact: no,
      doContinueTurn: no,
      doSuspendTurn: no,
      doDetach: async () => state,
      doStop: async () => state,
      doDestroy: async () => {},
    };
    return session;
  },
};
