import { basename } from "node:path";
import { EmberboxError } from "../../errors.ts";
import type { CopyEntry, TemplateRequest, TemplateStep } from "../../template-request.ts";

type CopyStep = TemplateStep & { readonly type: "COPY" };

/** A step as E2B's template API wants it. */
export interface ApiStep {
  readonly type: string;
  readonly args: readonly string[];
  readonly force: boolean;
  readonly filesHash?: string;
}

/** What a request is for the template API. @throws `unsupported` */
export function apiSteps({ steps, freshFrom = steps.length }: TemplateRequest): ApiStep[] {
  return steps.map((step, index) => ({ ...apiStep(step), force: index >= freshFrom }));
}

function apiStep(step: TemplateStep): Omit<ApiStep, "force"> {
  const { type } = step;
  switch (type) {
    case "RUN":
      return { type, args: step.user === undefined ? [step.command] : [step.command, step.user] };
    case "ENV":
      return { type, args: Object.entries(step.envs).flat() };
    case "WORKDIR":
      return { type, args: [step.path] };
    case "USER":
      return { type, args: [step.user] };
    case "COPY":
      return copyStep(sourceOf(step), step);
    case "UNPACK":
      return copyStep(step.src, step);
  }
}

function copyStep(
  source: string,
  { dest, user = "root", mode, digest }: Pick<CopyStep, "dest" | "user" | "mode" | "digest">,
): Omit<ApiStep, "force"> {
  const octal = mode === undefined ? "" : mode.toString(8).padStart(4, "0");
  return { type: "COPY", args: [source, dest, user, octal], filesHash: digest };
}

const DIRECTORY = "files";

/** What a step copies, as its archive calls it: a file by its own name, which it keeps in a directory. */
function sourceOf({ entries }: CopyStep): string {
  const [only] = entries;
  if (only?.type !== "file" || only.path !== "") return DIRECTORY;
  const name = basename(only.source!);
  if (!/[*?[\]{}]|[@+!]\(/.test(name)) return name;
  throw new EmberboxError(
    "unsupported",
    `The provider e2b cannot copy a file named \`${name}\` on its own: the service takes that for a pattern`,
    { hint: "Copy the directory that it is in." },
  );
}

/** Where an entry is in the archive. */
export function archived(step: CopyStep): (entry: CopyEntry) => string {
  const source = sourceOf(step);
  return ({ path }) => (path === "" ? source : `${source}/${path}`);
}
