import { z } from "zod";
import {
  type FieldsOf,
  parseArgument,
  parseOptions,
  positiveInteger,
  text,
  user,
} from "../options.ts";
import { branch, flag, mode } from "./arguments.ts";

/** Where the files of a template are. */
export interface TemplateOptions {
  /** The directory that files are copied from. @default the working directory of the program */
  readonly fileContextPath?: string | undefined;
  /** What is not copied, in the form of `.dockerignore`, after what the context's `.dockerignore` says. */
  readonly fileIgnorePatterns?: readonly string[] | undefined;
}

/** What the registry of a container image is shown. */
export interface ImageCredentials {
  readonly username: string;
  readonly password: string;
}

/** As whom a step is done. */
export interface StepOptions {
  /** @default the user that `setUser` chose last */
  readonly user?: string | undefined;
}

/** How files are copied. */
export interface CopyOptions {
  /** The owner. @default root */
  readonly user?: string | undefined;
  /** Permission bits of the files, instead of their own. */
  readonly mode?: number | undefined;
}

/** One of several copies. */
export interface CopyItem extends CopyOptions {
  readonly src: string | readonly string[];
  readonly dest: string;
}

/** How something is removed. */
export interface RemoveOptions extends StepOptions {
  /** Whether what does not exist is passed over. @default false */
  readonly force?: boolean | undefined;
  /** Whether directories are removed, with everything in them. @default false */
  readonly recursive?: boolean | undefined;
}

/** How something is renamed, or a link is made. */
export interface ReplaceOptions extends StepOptions {
  /** Whether what is there already is replaced. @default false */
  readonly force?: boolean | undefined;
}

/** How directories are made. */
export interface MakeDirOptions extends StepOptions {
  /** Their permission bits. @default 0o755 */
  readonly mode?: number | undefined;
}

/** Where Python's packages are installed. */
export interface PipInstallOptions {
  /** Whether it is for all users, by root, and not for the current user only. @default true */
  readonly g?: boolean | undefined;
}

/** Where npm's packages are installed. */
export interface NpmInstallOptions {
  /** Whether it is for all users, by root, and not in the working directory. @default false */
  readonly g?: boolean | undefined;
  /** Whether they become development dependencies. @default false */
  readonly dev?: boolean | undefined;
}

/** How Debian's packages are installed. */
export interface AptInstallOptions {
  /** Whether packages are left out that are merely recommended. @default false */
  readonly noInstallRecommends?: boolean | undefined;
  /** Whether packages that cannot be fetched are passed over. @default false */
  readonly fixMissing?: boolean | undefined;
}

/** What is cloned of a repository. */
export interface GitCloneOptions extends StepOptions {
  /** A branch or tag. @default the repository's default branch */
  readonly branch?: string | undefined;
  /** The number of commits. @default all */
  readonly depth?: number | undefined;
}

const templateSchema = z.strictObject({
  fileContextPath: text,
  fileIgnorePatterns: z.array(z.string()).readonly().optional().describe("a list of strings"),
} satisfies FieldsOf<TemplateOptions>);
const credentialsSchema = z.strictObject({
  username: z.string().min(1).describe("a string that is not empty"),
  password: z.string().describe("a string").meta({ secret: true }),
} satisfies FieldsOf<ImageCredentials>);
const stepSchema = z.strictObject({ user } satisfies FieldsOf<StepOptions>);
const copySchema = z.strictObject({ user, mode } satisfies FieldsOf<CopyOptions>);
const removeSchema = z.strictObject({
  user,
  force: flag,
  recursive: flag,
} satisfies FieldsOf<RemoveOptions>);
const replaceSchema = z.strictObject({ user, force: flag } satisfies FieldsOf<ReplaceOptions>);
const makeDirSchema = z.strictObject({ user, mode } satisfies FieldsOf<MakeDirOptions>);
const pipSchema = z.strictObject({ g: flag } satisfies FieldsOf<PipInstallOptions>);
const npmSchema = z.strictObject({ g: flag, dev: flag } satisfies FieldsOf<NpmInstallOptions>);
const aptSchema = z.strictObject({
  noInstallRecommends: flag,
  fixMissing: flag,
} satisfies FieldsOf<AptInstallOptions>);
const gitCloneSchema = z.strictObject({
  user,
  branch,
  depth: positiveInteger,
} satisfies FieldsOf<GitCloneOptions>);
/** What is in them is checked where they are copied. */
const itemsSchema = z
  .array(z.custom<CopyItem>((item) => typeof item === "object" && item !== null))
  .describe("a list of `{ src, dest, user, mode }`");

type Check<Options> = (options: unknown) => Options;
export const checkTemplate: Check<TemplateOptions> = (it) => parseOptions(templateSchema, it);
export const checkCredentials = (it: unknown): ImageCredentials | undefined =>
  it === undefined ? undefined : parseOptions(credentialsSchema, it);
export const checkStep: Check<StepOptions> = (it) => parseOptions(stepSchema, it);
export const checkCopy: Check<CopyOptions> = (it) => parseOptions(copySchema, it);
export const checkItems: Check<readonly CopyItem[]> = (it) =>
  parseArgument(itemsSchema, "items", it);
export const checkRemove: Check<RemoveOptions> = (it) => parseOptions(removeSchema, it);
export const checkReplace: Check<ReplaceOptions> = (it) => parseOptions(replaceSchema, it);
export const checkMakeDir: Check<MakeDirOptions> = (it) => parseOptions(makeDirSchema, it);
export const checkPip: Check<PipInstallOptions> = (it) => parseOptions(pipSchema, it);
export const checkNpm: Check<NpmInstallOptions> = (it) => parseOptions(npmSchema, it);
export const checkApt: Check<AptInstallOptions> = (it) => parseOptions(aptSchema, it);
export const checkGitClone: Check<GitCloneOptions> = (it) => parseOptions(gitCloneSchema, it);
