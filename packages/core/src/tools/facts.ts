import type { SandboxSessions } from "../sessions/sandbox-sessions.ts";

/** What the descriptions say of the sandbox. */
export interface SandboxFacts {
  /** Languages of `run_code`, the default one first. */
  readonly languages: readonly string[];
  readonly workingDirectory: string;
  /** A sentence. */
  readonly network: string;
}

/** What is known of the sandbox before there is one. */
export function factsOf(
  sessions: SandboxSessions,
  given: Partial<SandboxFacts> | undefined,
): SandboxFacts {
  const { template } = sessions.source.create;
  return {
    languages: ["python", "javascript", "typescript", "bash", ...(template === "r" ? ["r"] : [])],
    workingDirectory: "/home/user",
    network: networkOf(sessions),
    ...given,
  };
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

export function languageNames(languages: readonly string[]): string {
  const names = languages.map((language) => properNames[language] ?? language);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

const properNames: Readonly<Record<string, string>> = {
  python: "Python",
  javascript: "JavaScript",
  typescript: "TypeScript",
  r: "R",
  java: "Java",
};
