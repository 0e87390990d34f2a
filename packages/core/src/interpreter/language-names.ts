const NAMES: Readonly<Record<string, readonly string[]>> = {
  python: ["py", "python3", "py3", "ipython"],
  javascript: ["js", "node", "nodejs"],
  typescript: ["ts"],
  bash: ["sh", "shell"],
};

const names = new Map(
  Object.entries(NAMES).flatMap(([name, others]) => [name, ...others].map((one) => [one, name])),
);

/** The name of a language, whichever of its names somebody used: `js` is `javascript`. Others stay as they are. */
export function languageName(language: string): string {
  const plain = language.trim().toLowerCase();
  return names.get(plain) ?? plain;
}
