// The examples that the command line runs and copies. Run after the sources are compiled, by scripts/dist.mjs.
import { cpSync } from "node:fs";
import { join } from "node:path";

const root = import.meta.dirname;
const { projects } = await import(join(root, "dist/cli/projects.js"));
for (const { example } of Object.values(projects))
  cpSync(join(root, "../../examples", example), join(root, "dist/examples", example));
