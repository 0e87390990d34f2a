/** E2B's names for what a sandbox begins as, and what they are here. */
const aliases: Readonly<Record<string, string>> = {
  base: "default",
  "code-interpreter-v1": "default",
};

/** The templates that the provider brings. */
export const templates: ReadonlySet<string> = new Set(["default", "r"]);

/** The provider's name for a template; a snapshot's id or name stays what it is. */
export function resolveTemplate(name: string): string {
  const plain = name.replace(/:default$/, "");
  return aliases[plain] ?? (templates.has(plain) ? plain : name);
}

/** True for a name that any sandbox can be made from. */
export function isKnownTemplate(name: string): boolean {
  return templates.has(resolveTemplate(name));
}
