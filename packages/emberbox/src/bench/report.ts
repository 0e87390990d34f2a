import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import type { Diagnosis } from "@emberbox/microvm/internal";
import { plainText } from "@emberbox/core/terminal";

/** What goes into a report. */
export interface ReportParts {
  /** Of Emberbox. */
  readonly version: string;
  readonly date: Date;
  /** The benchmark's table with the machine, or why there is none. */
  readonly table: string;
  /** The doctor's output, as text. */
  readonly doctor: string;
  readonly diagnosis: Pick<Diagnosis, "home" | "ok">;
}

/** One page of Markdown, to be attached to an issue: it names neither the user nor their directories. */
export function formatReport({ version, date, table, doctor, diagnosis }: ReportParts): string {
  const page = `# Emberbox ${version}, measured on ${date.toISOString().slice(0, 10)}

- ${distribution()}, ${process.arch}
- Node ${process.versions.node}
- sandboxes can run here: ${diagnosis.ok ? "yes" : "no"}

## Measured

${table.trimEnd()}

## \`emberbox doctor\`

\`\`\`text
${doctor.trimEnd()}
\`\`\`
`;
  return withoutNames(plainText(page), diagnosis.home);
}

function distribution(): string {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

/** Directories of one's own are called by what points at them, and the user, wherever named, by `USER`. */
function withoutNames(text: string, home: string): string {
  const user = username();
  // Everybody has a root, and "root" is a word.
  const isUser = (word: string): boolean => word === user && word !== "root";
  return renamed(renamed(text, home, "EMBERBOX_HOME"), homedir(), "~").replaceAll(
    /\w+(?:[.-]\w+)*/g,
    (word) => (isUser(word) ? "USER" : word),
  );
}

/** The text with another name for a directory. A path that only begins with the same letters keeps its own. */
function renamed(text: string, directory: string, name: string): string {
  if (directory === "/") return text;
  return text
    .split(directory)
    .reduce((all, rest) => `${all}${/^[\w-]/.test(rest) ? directory : name}${rest}`);
}

function username(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // An account without a name.
  }
}
