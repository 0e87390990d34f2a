// `npm run docs`: one site of the documents and of every public declaration, in `site/out`. Its pages and links are
// relative, so that it opens from disk.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Application, PageEvent, ReflectionKind } from "typedoc";
import { brokenLinks } from "./links.mjs";

const root = join(import.meta.dirname, "..");
const out = join(import.meta.dirname, "out");
const packages = readdirSync(join(root, "packages")).map((name) => ({
  folder: join(root, "packages", name),
  manifest: JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")),
}));
/** How each entry point is imported, by its source. */
const modules = new Map(
  packages.flatMap(({ folder, manifest: { name, exports } }) =>
    Object.entries(exports)
      .filter(([, target]) => typeof target !== "string")
      .map(([entry, target]) => [join(folder, target["@emberbox/source"]), join(name, entry)]),
  ),
);

const app = await Application.bootstrap({
  name: "Emberbox",
  basePath: root,
  entryPoints: [...modules.keys()],
  tsconfig: join(import.meta.dirname, "tsconfig.json"),
  readme: join(root, "README.md"),
  projectDocuments: ["!(README).md", "docs/*.md", "packages/*/README.md"].map((pattern) =>
    join(root, pattern),
  ),
  includeHierarchySummary: false,
  highlightLanguages: ["bash", "js", "json", "python", "sh", "toml", "ts", "typescript"],
  // The lines of a checkout that nobody else has.
  disableGit: true,
  sourceLinkTemplate: "{path}#L{line}",
  // `npm run typecheck` does it.
  skipErrorChecking: true,
  packagesRequiringDocumentation: packages.map(({ manifest }) => manifest.name),
  excludeInternal: true,
  // Node's own documentation is not part of this site.
  externalSymbolLinkMappings: { "@types/node": { "*": "#" } },
  // A property's name and type often say all there is to say.
  requiredToBeDocumented: ["Class", "Function", "Interface", "Method", "TypeAlias", "Variable"],
  validation: { invalidLink: true, invalidPath: false, notDocumented: true, notExported: false },
});
// Without a server, a folder does not lead to its index.
app.renderer.on(PageEvent.END, (page) => {
  page.contents = page.contents.replaceAll(/href="((?:\.\.\/)+)(?=[#"])/g, 'href="$1index.html');
});
const project = await app.convert();
if (project === undefined) process.exit(1);
for (const module of project.getReflectionsByKind(ReflectionKind.Module))
  module.name = modules.get(module.sources[0].fullFileName) ?? module.name;
for (const document of project.getReflectionsByKind(ReflectionKind.Document))
  document.name = /^# (.*)$/m.exec(document.content[0].text)?.[1] ?? document.name;
app.validate(project);
// Where something is in the sources is for the warnings above only, each of which fails the build.
for (const reflection of Object.values(project.reflections)) delete reflection.sources;
await app.generateDocs(project, out);
const broken = brokenLinks(out);
for (const link of broken) console.error(`Leads nowhere: ${link}`);
if (app.logger.hasErrors() || app.logger.hasWarnings() || broken.length > 0) process.exitCode = 1;
