import { createHash } from "node:crypto";
import type { TemplateRequest, TemplateStep } from "@emberbox/core/template";

/** Raise when the same steps come to mean something else. */
const FORMAT = 2;

/** What names each state of a build: everything that went into it. */
export interface BuildKeys {
  /** After each step. */
  readonly steps: readonly string[];
  /** Of the template. */
  readonly finished: string;
}

/** `base` says what the template is that the build begins with, in which shape, and which QEMU runs it. */
export function keysOf(
  { steps, startCommand = "", readyCommand = "" }: TemplateRequest,
  base: string,
): BuildKeys {
  let key = digest([FORMAT, base]);
  const keys = steps.map((step) => (key = digest([key, contentOf(step)])));
  return { steps: keys, finished: digest([key, startCommand, readyCommand]) };
}

/** Without where it was written; files count by their digest. */
function contentOf(step: TemplateStep): unknown[] {
  switch (step.type) {
    case "RUN":
      return [step.type, step.command, step.user ?? null];
    case "COPY":
      return [step.type, step.dest, step.digest, step.user ?? null, step.mode ?? null];
    case "UNPACK":
      return [
        ...[step.type, step.src, step.dest, step.digest],
        ...[step.user ?? null, step.mode ?? null],
      ];
    case "ENV":
      return [step.type, Object.entries(step.envs).toSorted()];
    case "WORKDIR":
      return [step.type, step.path];
    case "USER":
      return [step.type, step.user];
  }
}

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 40);
