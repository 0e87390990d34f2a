import { exampleText } from "./example-files.ts";
import { json, type Project, tools } from "./projects.ts";
import { version } from "./version.ts";

/** The files of a project: their texts, by their names. */
export function projectFiles(project: Project): Readonly<Record<string, string>> {
  return {
    "package.json": json(manifestOf(project)),
    "tsconfig.json": json(configuration),
    [project.program]: exampleText(project.example),
    ...project.files,
    ".gitignore": "node_modules/\n.env\n",
    "README.md": readmeOf(project),
  };
}

function manifestOf({ ours, beside, overrides, program }: Project): object {
  const dependencies = {
    ...beside,
    ...Object.fromEntries(ours.map((name) => [name, `^${version}`])),
  };
  const sorted = Object.entries(dependencies).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    private: true,
    type: "module",
    scripts: { start: `node --env-file-if-exists=.env ${program}`, check: "tsc" },
    dependencies: Object.fromEntries(sorted),
    devDependencies: tools,
    ...(overrides !== undefined && { overrides }),
    engines: { node: ">=22.19" },
  };
}

/** Node runs the files as they are, without their types; what it cannot run so is not to compile. */
const configuration = {
  compilerOptions: {
    target: "esnext",
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ["*.ts"],
};

function readmeOf({ title, key, notes, program }: Project): string {
  const keyed =
    key &&
    `The model is ${key[1]}'s. Its key is the variable \`${key[0]}\`, which \`npm start\` also reads from a file \`.env\` here, as \`${key[0]}=…\`.\n`;
  const parts = [
    `# ${title}\n`,
    `On Linux (x86-64) with Node 22.19 or newer:\n`,
    `\`\`\`sh
npm install
npx emberbox quickstart   # once on a machine: installs what is missing, builds the sandboxes' image
npm start                 # runs ${program}
npm run check             # checks its types
\`\`\`
`,
    keyed,
    notes,
    "`npx emberbox doctor` says whether this machine can run sandboxes, and `npx emberbox --help` what else there is.\n",
  ];
  return parts.filter((part) => part !== undefined).join("\n");
}
