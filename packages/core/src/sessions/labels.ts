/** The longest text of a label that is made from what a framework calls a conversation or an agent, in characters. */
const MAX_LABEL = 1024;

/** Labels by which `list` and `getInfo` tell whose sandbox it is; those that the user has set win. */
export function labelsOf({
  adapter,
  threadId,
  agent,
}: {
  readonly adapter?: string | undefined;
  readonly threadId?: string | undefined;
  readonly agent?: string | undefined;
}): Record<string, string> {
  return {
    ...(adapter !== undefined && { "emberbox.adapter": adapter }),
    ...(threadId && { "emberbox.thread": threadId.slice(0, MAX_LABEL) }),
    ...(agent && { "emberbox.agent": agent.slice(0, MAX_LABEL) }),
  };
}
