import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmberboxError } from "../../../packages/core/src/errors.ts";
import { readManifest } from "../../../packages/microvm/src/saved/manifest.ts";
import { check, type Target } from "../target.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-fuzz-"));

/** What is on disk about a saved machine, as by somebody who can make its digest. */
export const target: Target = {
  share: 0.25,
  refuses: (error) =>
    EmberboxError.isInstance(error) &&
    ["snapshot_damaged", "snapshot_incompatible"].includes(error.code),
  heapBytesPerByte: 2048,
  async run(input) {
    const text = input.toString();
    const digest = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(directory, "manifest.json"), `${digest}\n${text}`);
    const manifest = await readManifest(directory);
    const names = [manifest!.memory?.state, ...manifest!.disk, ...(manifest!.memory?.layers ?? [])];
    for (const layer of names) check(!/^\.|\//.test(layer?.name ?? "x"), "a name that is a path");
  },
};
