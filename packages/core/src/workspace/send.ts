import { createHash } from "node:crypto";
import type { Baseline } from "../workspace-options.ts";
import type { Put } from "./inside.ts";
import { putOf } from "./refresh.ts";
import { baselineOf } from "./scan.ts";
import type { Writer } from "./writer.ts";

/** Sends what a folder has to a sandbox. Returns it with the digests of what was sent. */
export async function sendFolder(
  writer: Writer,
  host: string,
  { entries }: Baseline,
  signal?: AbortSignal,
): Promise<Baseline> {
  const digests = new Map<string, string>();
  const puts = entries.map((entry): Put => {
    const put = putOf(host, entry);
    const { content } = put;
    if (content === undefined) return put;
    return {
      ...put,
      content: async function* () {
        const hash = createHash("sha256");
        for await (const piece of content()) {
          hash.update(piece);
          yield piece;
        }
        digests.set(entry.path, hash.digest("hex"));
      },
    };
  });
  await writer.write([], puts, signal);
  const empty = createHash("sha256").digest("hex");
  return baselineOf(
    entries.map((entry) =>
      entry.type === "file" ? { ...entry, digest: digests.get(entry.path) ?? empty } : entry,
    ),
  );
}
