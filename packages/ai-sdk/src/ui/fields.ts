/** Untrusted fields from a server. */
export type Fields = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function objectsOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function flag(value: unknown): boolean {
  return value === true;
}
