/** The oldest Node that the packages run on; their manifests say the same. */
const OLDEST = [22, 19] as const;

/** @throws for a version of Node that is too old */
export function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new Error(`Emberbox needs Node ${OLDEST.join(".")} or newer; this is ${version}`);
}

// Entry points import this first, before anything that fails on an old Node for a reason that says nothing.
requireNode(process.versions.node);
