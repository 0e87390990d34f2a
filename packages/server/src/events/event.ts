import { createHash } from "node:crypto";

export const eventTypes = [
  "sandbox.lifecycle.created",
  "sandbox.lifecycle.updated",
  "sandbox.lifecycle.paused",
  "sandbox.lifecycle.resumed",
  "sandbox.lifecycle.checkpointed",
  "sandbox.lifecycle.killed",
] as const;
export type EventType = (typeof eventTypes)[number];

/** One word for each type, as in E2B's first version of events. */
const labels: Readonly<Record<EventType, string>> = {
  "sandbox.lifecycle.created": "create",
  "sandbox.lifecycle.updated": "update",
  "sandbox.lifecycle.paused": "pause",
  "sandbox.lifecycle.resumed": "resume",
  "sandbox.lifecycle.checkpointed": "checkpoint",
  "sandbox.lifecycle.killed": "kill",
};

/** What a sandbox has had from a start or a resume to its next pause or its end. */
export interface Execution {
  readonly started_at: string;
  readonly vcpu_count: number;
  readonly memory_mb: number;
  /** Milliseconds. */
  readonly execution_time: number;
}

export interface EventData {
  readonly sandbox_metadata?: Readonly<Record<string, string>>;
  /** Of a sandbox that was paused or ended while it ran. */
  readonly execution?: Execution;
  /** When the sandbox's time is over now. */
  readonly set_timeout?: string;
}

/** An event in a sandbox's life, as `GET /events/sandboxes` tells it. */
export interface LifecycleEvent {
  readonly id: string;
  readonly version: "v2";
  readonly type: EventType;
  readonly timestamp: string;
  readonly eventCategory: "lifecycle";
  readonly eventLabel: string;
  readonly eventData: EventData;
  readonly sandboxId: string;
  readonly sandboxExecutionId: string;
  readonly sandboxTemplateId: string;
  readonly sandboxBuildId: string;
  readonly sandboxTeamId: string;
}

type Given = Pick<
  LifecycleEvent,
  "type" | "eventData" | "sandboxId" | "sandboxExecutionId" | "sandboxTemplateId"
>;

export function eventOf(given: Given, tenant: string, at: Date): LifecycleEvent {
  return {
    id: crypto.randomUUID(),
    version: "v2",
    timestamp: at.toISOString(),
    eventCategory: "lifecycle",
    eventLabel: labels[given.type],
    // A template has one build here.
    sandboxBuildId: uuidOf(`build:${given.sandboxTemplateId}`),
    sandboxTeamId: teamIdOf(tenant),
    ...given,
  };
}

/** The body of a webhook's delivery: the same event with other names. */
export function payloadOf(event: LifecycleEvent): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(event).map(([name, value]) => [snake(name), value])),
  );
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function teamIdOf(tenant: string): string {
  return uuidOf(`team:${tenant}`);
}

/** E2B's ids of teams and builds are UUIDs, and some clients read them as such. */
function uuidOf(text: string): string {
  const digits = createHash("sha256").update(text).digest("hex");
  const groups = [
    ...[digits.slice(0, 8), digits.slice(8, 12), `8${digits.slice(13, 16)}`],
    ...[`a${digits.slice(17, 20)}`, digits.slice(20, 32)],
  ];
  return groups.join("-");
}
