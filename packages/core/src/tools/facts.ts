import type { TemplateInfo } from "../provider.ts";
import type { SandboxSessions } from "../sessions/sandbox-sessions.ts";
import type { WorkspaceMode } from "../workspace-options.ts";
import { guestPathOf } from "../workspace/guest-path.ts";
import { DEFAULT_TEMPLATE, templatesOf, usualTemplate } from "../templates.ts";

/** What the tools' descriptions say about the sandbox. */
export interface SandboxFacts {
  /** Languages of `run_code`, the default one first. */
  readonly languages: readonly string[];
  /** What is installed, in sentences. */
  readonly software: string;
  /** The operating system, such as `Debian 13`; empty when unknown. */
  readonly system: string;
  readonly workingDirectory: string;
  /** What the network allows, as a sentence. */
  readonly network: string;
  /** Where the user's folders are, as sentences; empty when there are none. */
  readonly folders: string;
}

/** Facts that override what is known here. */
export type GivenFacts = {
  readonly [Name in keyof SandboxFacts]?: SandboxFacts[Name] | undefined;
};

/** What is known about the sandbox before it exists. */
export function factsOf(sessions: SandboxSessions, given: GivenFacts = {}): SandboxFacts {
  const { known, create } = sessions.source;
  const { template = DEFAULT_TEMPLATE } = create;
  const info = templatesOf(known).find(({ name }) => name === template);
  return {
    languages: (info ?? usualTemplate).languages,
    software: info === undefined ? unknownText(template) : softwareText(info),
    system: info?.system ?? "",
    workingDirectory: "/home/user",
    network: networkOf(sessions),
    folders: foldersOf(sessions),
    ...Object.fromEntries(Object.entries(given).filter(([, fact]) => fact !== undefined)),
  };
}

function softwareText({ libraries, notes }: TemplateInfo): string {
  const sentences = Object.entries(libraries).map(
    ([language, names]) => `${properName(language)} has ${listed(names, "and")}.`,
  );
  return [...sentences, ...(notes === undefined ? [] : [notes])].join(" ");
}

/** For a snapshot, or a template of a provider that is not known yet. */
function unknownText(template: string): string {
  return `The machine is made from \`${template}\`, which may have more languages, and libraries.`;
}

function networkOf({ source }: SandboxSessions): string {
  const { network } = source.create;
  if (network === false) return "There is no network.";
  if (typeof network === "object") {
    const allowed = network.allowOut?.slice(0, 20).join(", ");
    return allowed === undefined || allowed === ""
      ? "Network access is restricted."
      : `Network access is restricted; allowed: ${allowed}.`;
  }
  return source.known?.capabilities.network === true
    ? "The public internet can be reached."
    : "The network may be out of reach: when a request fails, do without it.";
}

const whatBecomes: Readonly<Record<WorkspaceMode, string>> = {
  review: "changes there reach the user's folder once they are reviewed and applied.",
  readonly: "it cannot be written.",
  live: "what is changed there is changed for the user at once.",
};

function foldersOf({ source: { given, create } }: SandboxSessions): string {
  const { workspace, workspaces = workspace === undefined ? [] : [workspace] } = create;
  const places =
    given === undefined
      ? workspaces.map((one) => ({ guest: guestPathOf(one), mode: one.mode }))
      : // One that another copy of this package made may have none.
        ((given as Partial<typeof given>).workspaces ?? []);
  return places
    .map(
      ({ guest, mode = "review" }) => `A folder of the user is at ${guest}: ${whatBecomes[mode]}`,
    )
    .join(" ");
}

export function languageNames(languages: readonly string[]): string {
  return listed(languages.map(properName), "or");
}

function listed(names: readonly string[], last: string): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;
}

/** Languages whose names are not just capitalized. */
const properNames: Readonly<Record<string, string>> = {
  bash: "bash",
  javascript: "JavaScript",
  typescript: "TypeScript",
};

function properName(language: string): string {
  return properNames[language] ?? `${language.slice(0, 1).toUpperCase()}${language.slice(1)}`;
}
