import type { ToolName } from "@emberbox/core/tools";

/** What is known about a tool that was created here. */
export interface Kind {
  readonly kind: ToolName;
  readonly readOnly: boolean;
}

const kinds = new WeakMap<object, Kind>();

export function rememberKind(tool: object, kind: Kind): void {
  kinds.set(tool, kind);
}

/** The kind of a tool; `undefined` for third-party tools. */
export function kindOf(tool: unknown): Kind | undefined {
  return typeof tool === "object" && tool !== null ? kinds.get(tool) : undefined;
}
