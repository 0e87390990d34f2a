import { readFileSync } from "node:fs";

/** In the repository the examples themselves; in the package the copies that its build makes. */
const folder = new URL(
  import.meta.filename.endsWith(".ts") ? "../../../../examples/" : "../examples/",
  import.meta.url,
);

/** The text of an example, without the import of the script that takes a model's place in the repository's tests. */
export function exampleText(file: string): string {
  const text = readFileSync(new URL(file, folder), "utf8");
  return text.replace(/^import "\.[./]*\/support\/.*\n\n?/, "");
}
