/** What the agent's services share. */
export interface AgentContext {
  /** Environment variables of the sandbox that every process sees; replaced when the sandbox is restored. */
  envs: Record<string, string>;
  /** Name of the user that runs code and commands unless another is asked for. */
  readonly defaultUser: string;
  /** Writes one line to the machine's console. */
  readonly log: (line: string) => void;
}
