import { envdVersion } from "@emberbox/core/envd";
import { type BuiltTemplate, DEFAULT_TAG } from "@emberbox/core/template";
import type { BuildRow, BuildRows } from "../builds/rows.ts";
import type { OfferedTemplate } from "../templates.ts";

export const NEVER: string = new Date(0).toISOString();
/** The id of what nobody has built here. */
export const NO_BUILD = "00000000-0000-0000-0000-000000000000";
const MIB = 1024 * 1024;

/** A template in a listing. */
export interface DescribedTemplate extends Record<string, unknown> {
  readonly templateID: string;
  readonly createdAt: string;
}

/** A template that comes with the provider, with what is in it, which E2B's protocol does not say. */
export function describeOffered(
  template: OfferedTemplate,
  shape: { memoryMB: number; cpuCount: number },
): DescribedTemplate {
  const { languages, libraries, system, sizeBytes } = template;
  return {
    ...describeTemplate(template, shape),
    diskSizeMB: Math.ceil((sizeBytes ?? 0) / MIB),
    ...{ languages, libraries, ...(system !== undefined && { system }) },
  };
}

/** Nobody built or counts it here, so what E2B knows of that is zero. */
function describeTemplate(
  { name, aliases }: { name: string; aliases: readonly string[] },
  { memoryMB, cpuCount }: { memoryMB: number; cpuCount: number },
): DescribedTemplate {
  const names = [name, ...aliases];
  return {
    ...{ templateID: name, aliases: names, names, public: true, envdVersion },
    ...{ cpuCount, memoryMB, diskSizeMB: 0 },
    ...{ buildID: NO_BUILD, buildStatus: "ready", buildCount: 0 },
    ...{ createdAt: NEVER, updatedAt: NEVER, createdBy: null },
    ...{ spawnCount: 0, lastSpawnedAt: null },
  };
}

/** A template that the operator has built, by its builds, of which there is at least one, the newest first. */
export function describeBuilt(
  builds: readonly BuiltTemplate[],
  rows: BuildRows,
): DescribedTemplate {
  const shown = builds.find(({ tags }) => tags.includes(DEFAULT_TAG)) ?? builds[0]!;
  const known = describeTemplateBuilds(builds, rows);
  const times = known.map(({ createdAt }) => createdAt);
  return {
    ...describeTemplate({ name: shown.name, aliases: [] }, shown),
    ...{ public: rows.isPublic(shown.name), buildID: rows.idOf(shown.buildId) },
    buildCount: known.length,
    createdAt: new Date(Math.min(...times)).toISOString(),
    updatedAt: new Date(Math.max(...times)).toISOString(),
  };
}

type Described = Omit<BuildRow, "server" | "template" | "reason" | "built">;

/** What clients have asked for, and what was built otherwise. */
export function describeTemplateBuilds(
  builds: readonly BuiltTemplate[],
  rows: BuildRows,
): Described[] {
  const asked = rows.of(builds[0]!.name);
  const others = builds.filter(({ buildId }) => asked.every(({ built }) => built !== buildId));
  return [...asked, ...others.map((build) => describeOther(build, rows))];
}

function describeOther(
  { buildId, createdAt, memoryMB, cpuCount, sizeBytes }: BuiltTemplate,
  rows: BuildRows,
): Described {
  const time = createdAt.getTime();
  return {
    ...{ buildId: rows.idOf(buildId), state: "ready", createdAt: time, finishedAt: time },
    ...{ memoryMB, cpuCount, sizeBytes: sizeBytes ?? null },
  };
}

export function describeBuild(build: Described): Record<string, unknown> {
  const { buildId, state, createdAt, finishedAt, memoryMB, cpuCount, sizeBytes } = build;
  return {
    ...{ buildID: buildId, status: state === "asked" ? "waiting" : state, envdVersion },
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(finishedAt ?? createdAt).toISOString(),
    ...(finishedAt !== null && { finishedAt: new Date(finishedAt).toISOString() }),
    ...{ memoryMB: memoryMB ?? 0, cpuCount: cpuCount ?? 0 },
    ...(sizeBytes !== null && { diskSizeMB: Math.ceil(sizeBytes / MIB) }),
  };
}
