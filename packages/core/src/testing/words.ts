import { callSandbox } from "../tools/call-sandbox.ts";
import type { SandboxProvider } from "../provider.ts";
import { EmberboxError } from "../errors.ts";
import type { ConversationPlace, SandboxPosition } from "../sessions/position.ts";
import { SandboxSessions, type SandboxSessionsOptions } from "../sessions/sandbox-sessions.ts";

interface Point {
  readonly id: string;
  readonly written: readonly string[];
  readonly by?: string | undefined;
  readonly label?: string | undefined;
}

/** Sandboxes that are lists of words, with checkpoints. */
function machines(): {
  readonly provider: SandboxProvider;
  readonly sandboxes: Map<string, { words: string[]; points: Point[]; at?: string | undefined }>;
  readonly notes: (string | undefined)[];
  readonly die: (sandboxId: string) => void;
} {
  let made = 0;
  let points = 0;
  const sandboxes: ReturnType<typeof machines>["sandboxes"] = new Map();
  const notes: (string | undefined)[] = [];
  const ended = new Set<string>();
  const paused = new Set<string>();
  const connection = (sandboxId: string): object => ({
    sandboxId,
    gone: () => (ended.has(sandboxId) ? died : undefined),
  });
  const add = (words: string[]): object => {
    const sandboxId = `s${(made += 1)}`;
    sandboxes.set(sandboxId, { words, points: [] });
    return connection(sandboxId);
  };
  const pointOf = (id: string, checkpointId: string): Point => {
    const point = sandboxes.get(id)?.points.find((each) => each.id === checkpointId);
    if (point === undefined) throw new EmberboxError("checkpoint_not_found", "There is none");
    return point;
  };
  const provider = {
    name: "words",
    capabilities: { checkpoints: true, pause: true },
    create: async () => add([]),
    // Checkpoints go with what is killed.
    kill: async (id: string) => {
      const sandbox = sandboxes.get(id);
      if (sandbox !== undefined) sandbox.points = [];
      paused.delete(id);
      return ended.add(id).size > 0;
    },
    createCheckpoint: async (sandboxId: string, { by, label }: Record<string, string>) => {
      const sandbox = sandboxes.get(sandboxId)!;
      const current = sandbox.points.find(({ id }) => id === sandbox.at);
      if (current?.written.join() === sandbox.words.join())
        return { sandboxId, checkpointId: current!.id, createdAt: new Date(0), unchanged: true };
      const point = { id: `c${(points += 1)}`, written: [...sandbox.words], by, label };
      sandbox.points.push(point);
      sandbox.at = point.id;
      notes.push(`${by}: ${label}`);
      return { sandboxId, checkpointId: point.id, createdAt: new Date(points) };
    },
    rollback: async (id: string, checkpointId: string) => {
      const sandbox = sandboxes.get(id)!;
      sandbox.words = [...pointOf(id, checkpointId).written];
      sandbox.at = checkpointId;
      return { undone: [] };
    },
    branch: async (id: string, checkpointId: string) => [
      add([...pointOf(id, checkpointId).written]),
    ],
    listCheckpoints: async (sandboxId: string) =>
      (sandboxes.get(sandboxId)?.points ?? []).map(({ id: checkpointId, by, label }) => {
        const createdAt = new Date(0);
        return { sandboxId, checkpointId, by, label, sizeBytes: 10, createdAt };
      }),
    deleteCheckpoint: async (id: string, checkpointId: string) => {
      const sandbox = sandboxes.get(id)!;
      const { length } = sandbox.points;
      sandbox.points = sandbox.points.filter((point) => point.id !== checkpointId);
      return sandbox.points.length < length;
    },
    pause: async (id: string) => {
      paused.add(id);
      ended.add(id);
      return true;
    },
    connect: async (sandboxId: string) => {
      if (!paused.delete(sandboxId) && ended.has(sandboxId))
        throw new EmberboxError("sandbox_not_found", "There is none");
      ended.delete(sandboxId);
      return connection(sandboxId);
    },
  } as unknown as SandboxProvider;
  return { provider, sandboxes, notes, die: (sandboxId) => void ended.add(sandboxId) };
}
const died = new EmberboxError("sandbox_died", "It ended");

type Written = { words: string; position: SandboxPosition; before: string; notice: string };
type Started = ReturnType<typeof machines> & {
  readonly sessionsOf: () => SandboxSessions;
  readonly write: (
    sessions: SandboxSessions,
    word: string,
    place?: ConversationPlace,
    toolCallId?: string,
    threadId?: string,
  ) => Promise<Written>;
};

/** Sessions of such sandboxes, in which calls write words. */
export function start(options: Partial<SandboxSessionsOptions> = {}): Started {
  const made = machines();
  const { sandboxes } = made;
  const sessionsOf = (): SandboxSessions =>
    new SandboxSessions(
      made.provider,
      { checkpoints: "each-call", onError: () => {}, ...options },
      "test",
    );
  const write = (
    sessions: SandboxSessions,
    word: string,
    place?: ConversationPlace,
    toolCallId: string = word,
    threadId?: string,
  ): Promise<Written> =>
    callSandbox(
      sessions,
      { label: `write\n${word}`, toolCallId, place, threadId },
      async (call) => {
        const { words } = sandboxes.get(call.sandbox.sandboxId)!;
        const before = [...words];
        words.push(word);
        await call.leave();
        return {
          words: [...before, word].join(" "),
          position: call.position!,
          before: call.checkpointId!,
          notice: call.say(),
        };
      },
      (error) => {
        throw error;
      },
    );
  return { ...made, sessionsOf, write };
}
