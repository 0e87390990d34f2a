/** How many links may be followed on the way to one place, as in Linux. */
const MAX_HOPS = 40;
const MAX_STEPS = 4096;

/**
 * Whether following a link in a folder stays in the folder, also by way of other links in it. Names that are not there
 * count as directories.
 */
export function staysInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const at = path.split("/").slice(0, -1);
  const left = stepsOf(links.get(path)!);
  if (left === undefined) return false;
  let hops = 0;
  for (let steps = 0; left.length > 0; steps += 1) {
    if (steps > MAX_STEPS) return false;
    const name = left.pop()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (at.length === 0) return false;
      at.pop();
      continue;
    }
    at.push(name);
    const target = links.get(at.join("/"));
    if (target === undefined) continue;
    at.pop();
    const more = stepsOf(target);
    hops += 1;
    if (more === undefined || hops > MAX_HOPS) return false;
    left.push(...more);
  }
  return true;
}

/** The names of a target, the last first; nothing where it is absolute. */
const stepsOf = (target: string): string[] | undefined =>
  target.startsWith("/") ? undefined : target.split("/").toReversed();
