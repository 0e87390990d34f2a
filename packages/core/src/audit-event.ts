/** Who asked for something, as far as it is known. */
export interface AuditAsker {
  /** Such as `langchain`. */
  readonly adapter?: string | undefined;
  /** The tool that a model called. */
  readonly tool?: string | undefined;
  readonly toolCallId?: string | undefined;
  /** The conversation. */
  readonly thread?: string | undefined;
  /** Whose key a client of the server has. */
  readonly tenant?: string | undefined;
  /** What a client of the server calls itself. */
  readonly client?: string | undefined;
}

/** Something that was taken in or given out: how much, and which. */
export interface AuditDigest {
  readonly bytes: number;
  /** SHA-256, in hex. */
  readonly sha256: string;
  /** The text itself, or its beginning; only with `content`. */
  readonly text?: string | undefined;
}

/** What happened, before it has a place in a log. */
export interface AuditFields {
  readonly sandboxId: string;
  /**
   * `created`: a sandbox was made, or connected to. `call`: something is about to be asked of it. `result`: the answer.
   * `exit`: a command ended that was not waited for. `network`: a decision about something that it tried to reach.
   * `dropped`: so many such decisions came too fast to be recorded. `ended`: it is no more.
   */
  readonly event: "created" | "call" | "result" | "exit" | "network" | "dropped" | "ended";
  /** Number of the call that a `result` or an `exit` belongs to. */
  readonly call?: number | undefined;
  /** Name of the method, such as `commands.run`. */
  readonly method?: string | undefined;
  readonly by?: AuditAsker | undefined;
  readonly [more: string]: unknown;
}

/** An event in a log. */
export interface AuditEvent extends AuditFields {
  /** Counts from 1 in each log. */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  /** Of the event before it; zeros for the first one. */
  readonly prev: string;
  /** SHA-256 of `prev` and of the event's JSON without `hash`, in hex. */
  readonly hash: string;
}
