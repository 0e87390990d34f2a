import type { ProcessConfig } from "./process.ts";

/** A name of a variable that a shell accepts. */
const nameOfVariable = /^[A-Za-z_]\w*$/;
/** Longer texts, in characters, might not fit into a variable. */
const maxLength = 32 * 1024;

/**
 * The variable with what a login shell sets after its scripts, which would otherwise overrule what was asked for:
 * Debian's set PATH and LANG. The machine's init puts the script that heeds it beside them.
 */
export function afterLogin(
  { cmd, args }: ProcessConfig,
  asked: Readonly<Record<string, string>>,
): Record<string, string> {
  if (!/(^|\/)(ba|da)?sh$/.test(cmd) || !isLogin(args)) return {};
  const assignments = Object.entries(asked)
    .filter(([name]) => nameOfVariable.test(name) && !name.startsWith("E2B_"))
    .map(([name, value]) => `${name}='${value.replaceAll("'", String.raw`'\''`)}'`);
  const text = `export ${assignments.join(" ")}`;
  return assignments.length === 0 || text.length > maxLength ? {} : { EMBERBOX_LOGIN: text };
}

function isLogin(args: readonly string[]): boolean {
  const end = args.findIndex((arg) => !arg.startsWith("-"));
  const options = end < 0 ? args : args.slice(0, end);
  return options.some((option) => option === "--login" || /^-[a-z]*l[a-z]*$/.test(option));
}
