/** An event in a sandbox's life, for clients that ask for its logs. */
export interface JournalEntry {
  readonly timestamp: Date;
  readonly message: string;
}

export interface Journal {
  note(sandboxId: string, message: string): void;
  read(sandboxId: string): readonly JournalEntry[];
  forget(sandboxId: string): void;
}

const ENTRIES = 200;

export function createJournal(): Journal {
  const entries = new Map<string, JournalEntry[]>();
  return {
    note(sandboxId, message) {
      const list = entries.get(sandboxId) ?? [];
      list.push({ timestamp: new Date(), message });
      if (list.length > ENTRIES) list.shift();
      entries.set(sandboxId, list);
    },
    read: (sandboxId) => entries.get(sandboxId) ?? [],
    forget: (sandboxId) => void entries.delete(sandboxId),
  };
}
