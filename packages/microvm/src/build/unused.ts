import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openSnapshots } from "../saved/snapshots.ts";
import { isBuiltName } from "./build-template.ts";
import { layersIn, shapesIn, templatesIn } from "./places.ts";

/** A build gives a template its name last: what has none may still get one for so long, in ms. */
const NAMELESS_MS = 600_000;

/** What builds have left that no template needs: what they may have in common with later ones, and replaced templates. */
export async function unusedBuilds(state: string): Promise<string[]> {
  const layers = join(layersIn(state), "snapshots");
  const names = await readdir(layers).catch(() => []);
  const templates = openSnapshots(templatesIn(state));
  const built = await templates.list();
  const nameless = built.filter(
    (info) => info.names.every(isBuiltName) && Date.now() - info.createdAt.getTime() > NAMELESS_MS,
  );
  const shapes = openSnapshots(shapesIn(state));
  const isNeeded = (shape: string): boolean =>
    built.some((info) => !nameless.includes(info) && shape.startsWith(`${info.snapshotId}-`));
  const unneeded = (await shapes.list()).filter((shape) => !shape.names.some(isNeeded));
  return [
    ...names.map((name) => join(layers, name)),
    ...nameless.map(({ snapshotId }) => templates.directoryOf(snapshotId)),
    ...unneeded.map(({ snapshotId }) => shapes.directoryOf(snapshotId)),
  ];
}
