import { AsyncLocalStorage } from "node:async_hooks";
import { background, warning } from "../background.ts";
import { Queue } from "../concurrency/queue.ts";
import { EmberboxError } from "../errors.ts";
import type { NetworkEvent, SandboxSecret } from "../provider.ts";
import { FIRST, linkLine } from "./chain.ts";
import { type AuditLog, logIn, MAX_FILE_BYTES } from "./files.ts";
import type { AuditAsker, AuditEvent, AuditFields } from "../audit-event.ts";
import type { AuditOptions } from "../audit-options.ts";

/** Who asks for what is done now. */
export const asking: AsyncLocalStorage<AuditAsker> = new AsyncLocalStorage<AuditAsker>();

/** Does something for somebody, who is recorded with all that is asked of sandboxes meanwhile. */
export const askedBy = <Result>(by: AuditAsker, work: () => Result): Result =>
  asking.run({ ...asking.getStore(), ...by }, work);

/** Decisions about the network that wait to be written, at most: nobody can be made to wait for them. */
const MAX_WAITING = 1000;

/** Records what happens to one sandbox, and to copies of it. */
export class Recorder {
  readonly content: boolean;
  readonly #log: AuditLog;
  readonly #throws: boolean;
  readonly #secrets: readonly (readonly [name: string, value: string])[];
  readonly #warn = warning("Recording what happens to a sandbox");
  #calls = 0;
  #waiting = 0;
  #dropped = 0;

  constructor(options: AuditOptions, secrets: Readonly<Record<string, SandboxSecret>> = {}) {
    const { directory, sink, content = false, onFailure, maxFileBytes = MAX_FILE_BYTES } = options;
    this.content = content;
    this.#throws = onFailure !== "warn";
    this.#secrets = Object.entries(secrets).map(([name, { value }]) => [name, value]);
    this.#log = sink ? new SinkLog(sink) : logIn(directory!, maxFileBytes);
  }

  /** A number for a call. */
  nextCall(): number {
    return (this.#calls += 1);
  }

  /** Records what is about to happen. @throws `audit_failed` when that fails, if it is not to happen then */
  async before(fields: AuditFields): Promise<void> {
    try {
      await this.#write(fields);
    } catch (error) {
      if (!this.#throws) return this.#warn(error);
      const why = error instanceof Error ? error.message : String(error);
      throw new EmberboxError("audit_failed", `what was asked for cannot be recorded: ${why}`, {
        cause: error,
      });
    }
  }

  /** Records what has happened. If that fails, calls are refused from the next one on that cannot be recorded either. */
  async after(fields: AuditFields): Promise<void> {
    await this.#write(fields).catch(this.#warn);
  }

  /** Records a decision about the network, which nobody waits for. */
  network({ sandboxId, decision, host, port, address, reason }: NetworkEvent): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += 1;
    const write = (fields: AuditFields): Promise<void> => asking.exit(() => this.#write(fields));
    const written = write({
      ...{ sandboxId, event: "network" },
      ...{ decision, host, port, address, reason },
    }).finally(() => {
      this.#waiting -= 1;
      const count = this.#dropped;
      if (count === 0 || this.#waiting > 0) return;
      this.#dropped = 0;
      background(write({ sandboxId, event: "dropped", count }), this.#warn);
    });
    background(written, this.#warn);
  }

  #write(fields: AuditFields): Promise<void> {
    const by = asking.getStore();
    return this.#log.write(by ? { ...fields, by } : fields, (text) => this.#redact(text));
  }

  #redact(text: string): string {
    let redacted = text;
    for (const [name, value] of this.#secrets)
      redacted = redacted.replaceAll(value, `[secret ${name}]`);
    return redacted;
  }
}

/** Events are a chain of their own. */
class SinkLog implements AuditLog {
  readonly #sink: (event: AuditEvent) => unknown;
  readonly #queue = new Queue();
  #seq = 0;
  #prev = FIRST;

  constructor(sink: (event: AuditEvent) => unknown) {
    this.#sink = sink;
  }

  write(fields: AuditFields, redact: (text: string) => string): Promise<void> {
    return this.#queue.run(async () => {
      const { line, hash } = linkLine(fields, { seq: this.#seq + 1, prev: this.#prev }, redact);
      await this.#sink(JSON.parse(line) as AuditEvent);
      this.#seq += 1;
      this.#prev = hash;
    });
  }
}
