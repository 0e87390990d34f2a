import type { SandboxInfo } from "@emberbox/core";
import type { Logger } from "pino";
import type { Store } from "../store.ts";
import { type EventData, eventOf, type EventType, type Execution, payloadOf } from "./event.ts";
import type { Life } from "./event-rows.ts";

export type Transition = "running" | "paused" | "gone";

/** Records what happens to sandboxes, and for which webhooks. Its callers do so together with the change itself. */
export class Lifecycle {
  /** Called when there is something to deliver; it may be called within a transaction. */
  onDelivery: () => void = () => {};
  readonly #store: Store;
  readonly #log: Logger;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** A sandbox was made. */
  began(tenant: string, template: string, info: SandboxInfo): void {
    this.#record("sandbox.lifecycle.created", this.#remember(tenant, template, info), {});
  }

  /** Of a sandbox that an older version made, there is nothing yet. */
  know(tenant: string, template: string, info: SandboxInfo): void {
    if (this.#store.events.life(info.sandboxId) === undefined)
      this.#remember(tenant, template, info);
  }

  /** The sandbox was resumed or paused, or it ended. */
  moved(sandboxId: string, to: Transition): void {
    const { events } = this.#store;
    const life = events.life(sandboxId);
    if (life === undefined) return;
    if (to === "running") {
      const resumed = { ...life, executionId: crypto.randomUUID(), startedAt: Date.now() };
      events.putLife(resumed);
      return this.#record("sandbox.lifecycle.resumed", resumed, {});
    }
    const data = life.startedAt === null ? {} : { execution: executionOf(life, life.startedAt) };
    if (to === "gone") events.removeLife(sandboxId);
    else events.putLife({ ...life, startedAt: null });
    this.#record(`sandbox.lifecycle.${to === "gone" ? "killed" : "paused"}`, life, data);
  }

  /** Its time or its network was changed, or a snapshot was made of it. */
  changed(
    sandboxId: string,
    type: "sandbox.lifecycle.updated" | "sandbox.lifecycle.checkpointed",
    data: EventData = {},
  ): void {
    const life = this.#store.events.life(sandboxId);
    if (life !== undefined) this.#store.transaction(() => this.#record(type, life, data));
  }

  #remember(tenant: string, template: string, info: SandboxInfo): Life {
    const { sandboxId, cpuCount, memoryMB, metadata, startedAt, state } = info;
    const life: Life = {
      ...{ sandboxId, tenant, template, cpuCount, memoryMB },
      executionId: crypto.randomUUID(),
      startedAt: state === "running" ? startedAt.getTime() : null,
      metadata: JSON.stringify(metadata),
    };
    this.#store.events.putLife(life);
    return life;
  }

  #record(type: EventType, life: Life, data: EventData): void {
    const { sandboxId, tenant, template, executionId, metadata } = life;
    const event = eventOf(
      {
        type,
        sandboxId,
        sandboxExecutionId: executionId,
        sandboxTemplateId: template,
        eventData: {
          sandbox_metadata: JSON.parse(metadata) as Record<string, string>,
          ...data,
        },
      },
      tenant,
      new Date(),
    );
    const { events, webhooks } = this.#store;
    events.add(tenant, event);
    const told = webhooks
      .list(tenant)
      .filter(({ enabled, events: types }) => enabled && types.includes(type));
    if (told.length === 0) return;
    const body = payloadOf(event);
    for (const { id } of told) {
      const dropped = webhooks.enqueue(id, event.id, body);
      if (dropped > 0)
        this.#log.warn({ webhookId: id, dropped }, "a webhook has too much to be told");
    }
    this.onDelivery();
  }
}

function executionOf({ cpuCount, memoryMB }: Life, startedAt: number): Execution {
  return {
    started_at: new Date(startedAt).toISOString(),
    vcpu_count: cpuCount,
    memory_mb: memoryMB,
    execution_time: Math.max(0, Date.now() - startedAt),
  };
}
