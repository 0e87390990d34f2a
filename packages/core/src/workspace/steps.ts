import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { z } from "zod";
import type { Directory } from "./directory.ts";
import { foundAt } from "./host-folder.ts";
import { nameOf, parentOf } from "./paths.ts";

const name = z.string().regex(/^(?:new|old)-\d{1,7}$/);
const path = z
  .string()
  .min(1)
  .refine((text) => text.split("/").every((part) => !["", ".", ".."].includes(part)));
const id = z.string().regex(/^\d+:\d+(?::-?\d+:\d+)?$/);
const mode = z.int().min(0).max(0o7777);

/**
 * What is done to the folder, one after the other. Each can be done again, and undone, at whatever point it was
 * interrupted: what is there is told by `id`. `kept` is where what was there is kept until all is done.
 */
export type Step =
  /** A file or link takes the place of another, or of nothing. */
  | {
      readonly does: "put";
      readonly path: string;
      readonly staged: string;
      readonly id: string;
      readonly kept: string;
      readonly old?: string | undefined;
    }
  /** A file or link goes. */
  | { readonly does: "remove"; readonly path: string; readonly kept: string; readonly id: string }
  | { readonly does: "make-directory"; readonly path: string; readonly mode: number }
  /** One that has something in it stays. */
  | { readonly does: "remove-directory"; readonly path: string; readonly mode: number }
  | {
      readonly does: "chmod";
      readonly path: string;
      readonly id: string;
      readonly from: number;
      readonly to: number;
    };

export const stepSchema: z.ZodType<Step> = z.discriminatedUnion("does", [
  z.object({ does: z.literal("put"), path, staged: name, id, kept: name, old: id.optional() }),
  z.object({ does: z.literal("remove"), path, kept: name, id }),
  z.object({ does: z.literal("make-directory"), path, mode }),
  z.object({ does: z.literal("remove-directory"), path, mode }),
  z.object({ does: z.literal("chmod"), path, id, from: mode, to: mode }),
]);

/** Thrown when something in the folder is not what it was when the steps were written down. */
export class ChangedMeanwhile extends Error {
  readonly path: string;

  constructor(path: string) {
    super("the folder changed meanwhile");
    this.path = path;
  }
}

export function forward(step: Step, root: Directory, staging: Directory): void {
  // Something else may be there by now, what a later step put, or not even the directory.
  if (step.does === "remove" && foundAt(staging, step.kept) !== undefined) return;
  using parent =
    step.does === "remove-directory" ? walked(root, step.path) : root.walk(parentOf(step.path));
  if (parent === undefined) return;
  const own = nameOf(step.path);
  const there = foundAt(parent, own);
  switch (step.does) {
    case "put": {
      if (there?.id === step.id) return;
      if (there?.id !== step.old) throw new ChangedMeanwhile(step.path);
      if (there !== undefined) keep(parent.at(own), staging.at(step.kept));
      renameSync(staging.at(step.staged), parent.at(own));
      return;
    }
    case "remove": {
      if (there?.id !== step.id) throw new ChangedMeanwhile(step.path);
      renameSync(parent.at(own), staging.at(step.kept));
      return;
    }
    case "make-directory": {
      if (there !== undefined && there.entry.type !== "directory")
        throw new ChangedMeanwhile(step.path);
      if (there === undefined) mkdirSync(parent.at(own));
      // Whatever the process's mask takes away.
      chmodSync(parent.at(own), step.mode);
      return;
    }
    case "remove-directory": {
      if (there?.entry.type === "directory") ignoring(() => rmdirSync(parent.at(own)), "ENOTEMPTY");
      return;
    }
    case "chmod": {
      if (there?.id !== step.id) throw new ChangedMeanwhile(step.path);
      changeMode(parent, own, step.id, step.to);
    }
  }
}

export function back(step: Step, root: Directory, staging: Directory): void {
  using parent = root.walk(parentOf(step.path));
  const own = nameOf(step.path);
  const there = foundAt(parent, own);
  switch (step.does) {
    case "put": {
      if (there?.id !== step.id) return;
      if (foundAt(staging, step.kept) !== undefined)
        renameSync(staging.at(step.kept), parent.at(own));
      else unlinkSync(parent.at(own));
      return;
    }
    case "remove": {
      if (there === undefined && foundAt(staging, step.kept) !== undefined)
        renameSync(staging.at(step.kept), parent.at(own));
      return;
    }
    case "make-directory": {
      if (there?.entry.type === "directory") ignoring(() => rmdirSync(parent.at(own)), "ENOTEMPTY");
      return;
    }
    case "remove-directory": {
      if (there !== undefined) return;
      mkdirSync(parent.at(own));
      chmodSync(parent.at(own), step.mode);
      return;
    }
    case "chmod": {
      if (there?.id === step.id) changeMode(parent, own, step.id, step.from);
    }
  }
}

/** The directory that something is in; `undefined` once it is gone. */
function walked(root: Directory, path: string): Directory | undefined {
  try {
    return root.walk(parentOf(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A second name for what is replaced, so that it is never gone in between; or a copy, where there are none. */
function keep(from: Buffer, to: Buffer): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EMLINK" && code !== "EACCES")
      throw error;
    copyFileSync(from, to);
  }
}

/** Opens nothing; only what is there can be named by it. */
const O_PATH = 0o10000000;

function changeMode(parent: Directory, name: string, id: string, mode: number): void {
  if (process.platform !== "linux") return chmodSync(parent.at(name), mode);
  const fd = openSync(parent.at(name), O_PATH | constants.O_NOFOLLOW);
  try {
    if (foundAt(parent, name)?.id !== id) throw new ChangedMeanwhile(name);
    chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}

function ignoring(work: () => void, ...codes: readonly string[]): void {
  try {
    work();
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
