import { readFileSync, writeFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { exampleText } from "./example-files.ts";
import { projects } from "./projects.ts";

/** What `emberbox quickstart` runs, and leaves to start from. */
export const EXAMPLE: string = projects["plain"]!.example;

/** Writes the example, unless there is such a file; returns what was done and how to run it. */
export function leaveExample(directory: string): string {
  // A project may say that its files are CommonJS, which an example with `import` is not.
  const name = isCommonJs(directory) ? EXAMPLE.replace(/\.ts$/, ".mts") : EXAMPLE;
  const install = isInstalledFor(directory) ? "" : "npm install emberbox && ";
  const run = `${install}${["node", ...process.execArgv, name].join(" ")}`;
  try {
    writeFileSync(join(directory, name), exampleText(EXAMPLE), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return `${name} was here before, and is left as it is`;
  }
  return `wrote ${name}, to start from; run it with: ${run}`;
}

/** Whether the nearest package.json says so; one that cannot be read says nothing. */
function isCommonJs(directory: string): boolean {
  const parent = dirname(directory);
  try {
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
      type?: string;
    };
    return manifest.type === "commonjs";
  } catch {
    return parent !== directory && isCommonJs(parent);
  }
}

function isInstalledFor(directory: string): boolean {
  try {
    return findPackageJSON("emberbox", pathToFileURL(join(directory, EXAMPLE))) !== undefined;
  } catch {
    return false;
  }
}
