// index
import { MicrovmOptions, microvm } from "./declarations.js";
export { type MicrovmOptions, microvm };

// internal
import { Check, Diagnosis, ExportImageOptions, ImportImageOptions, Imported, Listed, MissingPackages, Preparation, PrepareOptions, Progress, PruneOptions, Pruned, attached, branchPaused, coldBoot, consoleOf, describeEngine, diagnose, exportImage, findProgramOf, imageKey, importImage, inWords, listEverything, missingPackages, prepare, prepareReady, proxySettings, prune, readyInfos, templateInfos, templateLog } from "./declarations.js";
export { type Check, type Diagnosis, type ExportImageOptions, type ImportImageOptions, type Imported, type Listed, type MissingPackages, type Preparation, type PrepareOptions, type Progress, type PruneOptions, type Pruned, attached, branchPaused, coldBoot, consoleOf, describeEngine, diagnose, exportImage, findProgramOf, imageKey, importImage, inWords, listEverything, missingPackages, prepare, prepareReady, proxySettings, prune, readyInfos, templateInfos, templateLog };

// declarations
import { SandboxProvider, TemplateInfo } from "@emberbox/core/provider";
import { NetworkCeiling, NetworkOptions } from "@emberbox/core/network";
import { Readable } from "node:stream";
type Architecture = "x64" | "arm64";
export interface MicrovmOptions {
  readonly accelerator?: "auto" | "kvm" | "tcg" | undefined;
  readonly pool?: {
    readonly size: number;
  } | undefined;
  readonly standby?: boolean | undefined;
  readonly jail?: boolean | undefined;
  readonly home?: string | undefined;
  readonly buildImages?: boolean | undefined;
  readonly buildNetwork?: boolean | NetworkOptions | undefined;
  readonly network?: {
    readonly dnsServers?: readonly string[] | undefined;
    readonly ca?: readonly string[] | undefined;
  } | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
}
export declare function microvm(options?: MicrovmOptions): SandboxProvider;
interface GuestImage {
  readonly directory: string;
  readonly digest: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly rootfs: string;
}
export interface Progress {
  readonly step: string;
  readonly fraction: number;
  readonly message?: string;
}
export declare function inWords(say: (words: string) => void): (progress: Progress) => void;
export declare const templateInfos: readonly TemplateInfo[];
export interface Check {
  readonly id: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly advice?: string;
}
export interface Diagnosis {
  readonly ok: boolean;
  readonly home: string;
  readonly checks: readonly Check[];
}
export declare function diagnose({ retry }?: {
  readonly retry?: boolean | undefined;
}): Promise<Diagnosis>;
export interface Imported {
  readonly image: GuestImage;
  readonly isNew: boolean;
}
export interface ExportImageOptions {
  readonly template?: string | undefined;
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly signingKey?: string | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface ImportImageOptions {
  readonly file: Readable;
  readonly publicKey?: string | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export declare function imageKey(template?: string): Promise<string>;
export declare function exportImage(options: ExportImageOptions): Promise<void>;
export declare function importImage({ onProgress, ...rest }: ImportImageOptions): Promise<Imported>;
type PackageManager = "apt" | "dnf" | "pacman";
export interface MissingPackages {
  readonly manager: PackageManager | undefined;
  readonly names: readonly string[];
  readonly line: string;
}
export declare function missingPackages(): Promise<MissingPackages | undefined>;
interface MachineShape {
  readonly architecture: Architecture;
  readonly accelerator: "kvm" | "tcg";
  readonly memoryMB: number;
  readonly cpuCount: number;
}
interface Template {
  readonly key: string;
  readonly shape: MachineShape;
  readonly image: GuestImage;
  readonly directory: string;
  readonly ram: string;
  readonly state: Buffer;
  readonly disk: string;
  readonly overlay: string;
  readonly initrd: string;
  readonly kernelHead: string;
  readonly kernelArguments: string;
  readonly readOnlyRam: boolean;
  readonly home?: TemplatePaths;
}
type TemplatePaths = Readonly<Record<"ram" | "disk" | "overlay" | "initrd" | "kernelHead" | "kernel" | "rootfs", string>>;
export interface PrepareOptions {
  readonly template?: string | undefined;
  readonly memoryMB?: number | undefined;
  readonly cpuCount?: number | undefined;
  readonly evenIfForbidden?: boolean | undefined;
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly onImage?: ((progress: Progress) => void) | undefined;
  readonly onTemplate?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface Preparation {
  readonly image: GuestImage;
  readonly template: Template;
}
export declare function prepareReady(template: string, { onTemplate, signal }: Pick<PrepareOptions, "onTemplate" | "signal">): Promise<void>;
export declare function prepare(options?: PrepareOptions): Promise<Preparation>;
export declare function branchPaused(sandboxId: string, checkpointId: string, { count, signal }: {
  readonly count: number;
  readonly signal?: AbortSignal | undefined;
}): AsyncGenerator<string>;
interface Program {
  readonly pid: number;
  readonly name: string;
}
interface RunningSandbox {
  readonly sandboxId: string;
  readonly template: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  readonly endAt: Date;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskMB: number;
  readonly program: Program;
}
interface ProgramDoor extends Program {
  readonly path: string;
  readonly sandboxes: readonly RunningSandbox[];
}
export declare function findProgramOf(sandboxId: string): Promise<ProgramDoor | undefined>;
export interface PruneOptions {
  readonly all?: boolean | undefined;
  readonly builds?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface Pruned {
  readonly path: string;
  readonly bytes: number;
}
export declare function prune(options?: PruneOptions): Promise<readonly Pruned[]>;
export declare function attached(): SandboxProvider;
export declare function consoleOf(sandboxId: string, signal?: AbortSignal): Promise<string>;
export interface Listed {
  readonly kind: "running" | "paused" | "snapshot" | "checkpoint";
  readonly id: string;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  readonly sizeBytes?: number | undefined;
  readonly memoryMB?: number | undefined;
  readonly template?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly names?: readonly string[] | undefined;
  readonly of?: string | undefined;
  readonly label?: string | undefined;
  readonly by?: string | undefined;
  readonly current?: boolean | undefined;
  readonly abandoned?: true | undefined;
  readonly program?: Program | undefined;
  readonly problem?: string | undefined;
}
export declare function listEverything(): Promise<Listed[]>;
export declare function templateLog(name: string): Promise<string | undefined>;
export declare const readyInfos: readonly TemplateInfo[];
export declare function proxySettings(environment?: NodeJS.ProcessEnv): Record<string, string>;
export declare function coldBoot(code: string): Promise<number>;
export declare function describeEngine(onProgress: (step: string) => void): Promise<{
  qemu: string;
  accelerator: "kvm" | "tcg";
}>;
export {};
