// For the command line and the benchmarks of the same version. Not part of the public API.
export { type Check, type Diagnosis, diagnose } from "./doctor.ts";
export { type Preparation, type PrepareOptions, prepare } from "./prepare.ts";
export { coldBoot, describeEngine } from "./template/cold-boot.ts";
