// For the command line and the benchmarks of the same version. Not part of the public API.
export { type Diagnosis, diagnose } from "./internal/doctor.ts";
export type { Check } from "./internal/finding.ts";
export {
  exportImage,
  type ExportImageOptions,
  imageKey,
  importImage,
  type ImportImageOptions,
} from "./internal/image-files.ts";
export type { Imported } from "./image/import.ts";
export { type MissingPackages, missingPackages } from "./internal/missing-packages.ts";
export {
  type Preparation,
  type PrepareOptions,
  prepare,
  prepareReady,
} from "./internal/prepare.ts";
export { branchPaused } from "./internal/branch-paused.ts";
export { findProgramOf } from "./internal/programs.ts";
export { prune, type Pruned, type PruneOptions } from "./internal/prune.ts";
export { attached, consoleOf } from "./internal/attached.ts";
export { type Listed, listEverything } from "./internal/everything.ts";
export { templateLog } from "./internal/template-log.ts";
export { inWords, type Progress, templateInfos } from "./image/index.ts";
export { readyInfos } from "./ready/index.ts";
export { proxySettings } from "./host/proxy.ts";
export { coldBoot, describeEngine } from "./internal/cold-boot.ts";
