import type { GuestDefaults } from "@emberbox/wire";

/** What the agent's services share. */
export interface AgentContext {
  /** Environment variables of the sandbox that every process sees; replaced when the sandbox is restored. */
  envs: Record<string, string>;
  /** Name of the user that runs code unless another is asked for. */
  readonly defaultUser: string;
  /** Who runs commands and reaches files, and where. @default `defaultUser`, at home */
  defaults?: GuestDefaults | undefined;
  /** Writes one line to the machine's console. */
  readonly log: (line: string) => void;
}
