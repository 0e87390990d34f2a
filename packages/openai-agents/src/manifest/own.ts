import {
  cloneManifest,
  type EnvEntry,
  Manifest,
  type ManifestInput,
} from "@openai/agents-core/sandbox";

/**
 * Converts a manifest to one of the copy of the framework that is used here. A program that loads the framework with
 * `require` has another copy, whose variables would not be recognised.
 */
export function ownManifest(manifest: ManifestInput): Manifest {
  if (manifest instanceof Manifest) return cloneManifest(manifest);
  const environment = Object.entries(manifest.environment ?? {}).map(([name, entry]) => [
    name,
    ownEntry(entry),
  ]);
  return new Manifest({ ...manifest, environment: Object.fromEntries(environment) });
}

function ownEntry(entry: EnvEntry): EnvEntry {
  if (typeof entry !== "object" || entry === null || !("normalized" in entry)) return entry;
  const { ephemeral, description } = entry as { ephemeral?: boolean; description?: string };
  return {
    value: String(entry["value"] ?? ""),
    resolve: () => (entry["resolve"] as () => Promise<string>).call(entry),
    ...(ephemeral !== undefined && { ephemeral }),
    ...(description !== undefined && { description }),
  };
}
