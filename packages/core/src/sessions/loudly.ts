import { EmberboxError } from "../errors.ts";

const told = new Set<string>();

/** Reports a failure that nobody listens for as a Node warning, once for each kind. */
export function loudly(error: unknown): void {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const { code, hint } = EmberboxError.isInstance(error) ? error : { code: name, hint: stack };
  if (told.has(code)) return;
  told.add(code);
  const detail = `${hint}\nGive \`onError\` to hear of every such failure.`;
  process.emitWarning(message, { type: "EmberboxWarning", code, detail });
}
