/**
 * Resolves `.` and `~` as people and models write them; the sandbox's paths are absolute or relative to the home
 * directory.
 */
export function homePath(path: string): string {
  const trimmed = path.replace(/^file:\/\//, "");
  if (trimmed === "~" || trimmed === "." || trimmed === "./" || trimmed === "~/") return ".";
  return trimmed.replace(/^~\//, "").replace(/^(?:\.\/)+/, "") || ".";
}
