import { join } from "node:path";
import { DEFAULT_TAG, type TemplateTag } from "@emberbox/core/template";
import { withLock } from "../host/lock.ts";
import type { Snapshot, SnapshotStore } from "../saved/snapshots.ts";
import { isBuiltName } from "./build-template.ts";
import { templatesIn } from "./places.ts";

/** Which builds of a template have which tags. A build that loses its last one is removed. */
export interface Tags {
  /** Gives tags to a build; `undefined` if it was removed meanwhile. */
  give(name: string, tags: readonly string[], build: string): Promise<Snapshot | undefined>;
  /** False when the template has none of them. */
  take(name: string, tags?: readonly string[]): Promise<boolean>;
  /** By tag. */
  of(name: string): Promise<TemplateTag[]>;
}

/** What is in the store under a tag: the name alone for the usual one. */
const keyOf = (name: string, tag: string): string =>
  tag === DEFAULT_TAG ? name : `${name}:${tag}`;

/** `name`, `name:tag` or the id of a build, as the store knows it. */
export function keyFor(template: string): string {
  const [name = "", tag = DEFAULT_TAG] = template.split(":");
  return keyOf(name, tag);
}

/** `onRemoved` is called with each build that was removed. */
export function openTags(
  state: string,
  templates: SnapshotStore,
  onRemoved: (buildId: string) => Promise<void>,
): Tags {
  const of = async (name: string): Promise<TemplateTag[]> => {
    const tags = (await templates.names()).flatMap(({ name: key, snapshotId, since }) => {
      const [own, tag = DEFAULT_TAG] = key.split(":");
      return own === name ? [{ tag, buildId: snapshotId, createdAt: since }] : [];
    });
    return tags.toSorted((one, other) => (one.tag < other.tag ? -1 : 1));
  };
  /** Builds that lose a tag and have none left go away: nothing but their names leads to them. */
  const changing = <T>(name: string, change: (before: TemplateTag[]) => Promise<T>): Promise<T> =>
    withLock(join(templatesIn(state), ".tags.lock"), async () => {
      const before = await of(name);
      const changed = await change(before);
      const kept = new Set(
        (await templates.names()).flatMap(({ name: key, snapshotId }) =>
          isBuiltName(key) ? [] : [snapshotId],
        ),
      );
      for (const id of new Set(before.map(({ buildId }) => buildId)))
        if (!kept.has(id)) {
          await templates.delete(id);
          await onRemoved(id);
        }
      return changed;
    });
  return {
    of,
    give: (name, tags, build) =>
      changing(name, async () => {
        const snapshot = await templates.find(build);
        for (const tag of snapshot ? tags : [])
          await templates.name(snapshot!.snapshotId, keyOf(name, tag));
        return snapshot;
      }),
    take: (name, tags) =>
      changing(name, async (before) => {
        const taken = before.filter(({ tag }) => tags === undefined || tags.includes(tag));
        for (const { tag } of taken) await templates.unname(keyOf(name, tag));
        return taken.length > 0;
      }),
  };
}
