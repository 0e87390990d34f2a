import type { ToolName } from "@emberbox/core/tools";

/** What is known of a tool that was made here. */
export interface Kind {
  readonly kind: ToolName;
  readonly readOnly: boolean;
}

const kinds = new WeakMap<object, Kind>();

export function rememberKind(tool: object, kind: Kind): void {
  kinds.set(tool, kind);
}

/** `undefined` for tools of others. */
export function kindOf(tool: unknown): Kind | undefined {
  return typeof tool === "object" && tool !== null ? kinds.get(tool) : undefined;
}
