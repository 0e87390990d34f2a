import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const packages = join(root, "packages");
const adapters = new Set(["ai-sdk", "langchain", "mcp", "openai-agents"]);
/** The most names, types among them, that an entry point of these may have. */
const limits: Readonly<Record<string, number>> = {
  "core/index": 44,
  "langchain/index": 5,
  "langchain/middleware": 5,
  "langchain/deepagents": 5,
  "langchain/native": 5,
};

type Entries = readonly (readonly [entry: string, source: string])[];

interface Declarations {
  readonly text: string;
  /** For each entry point, the names that it exports. */
  readonly names: readonly (readonly [entry: string, names: readonly string[]])[];
}

interface Manifest {
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, string | { readonly "@emberbox/source": string }>>;
}

/** Every package that is published, with its entry points and their source files. */
const published = readdirSync(packages).flatMap((name) => {
  const manifest = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const { private: isPrivate, exports } = manifest as Manifest;
  const entries = Object.entries(isPrivate ? {} : exports).flatMap(([entry, target]) =>
    typeof target === "string" ? [] : [[entry, target["@emberbox/source"]] as const],
  );
  return entries.length === 0 ? [] : [[name, entries] as const];
});

/** Takes seconds, unless types were checked before. */
beforeAll(() => {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const folders = published.map(([name]) => join(packages, name));
  execFileSync(process.execPath, [compiler, "-b", ...folders], { stdio: "inherit" });
}, 300_000);

test.each(published)("the public interface of %s is the agreed one", async (name, entries) => {
  const { text, names } = await declarationsOf(name, entries);
  for (const [entry, { length }] of names)
    expect(length, entry).toBeLessThanOrEqual(limits[`${name}/${entry}`] ?? Infinity);
  // The conformance suite has the same functions for each runner.
  const all = name === "conformance" ? [] : names.flatMap(([, exported]) => exported);
  const repeated = all.filter((each, index) => all.indexOf(each) !== index);
  expect(repeated, "exported by several entry points").toEqual([]);
  expect(withoutSentence(text), "without a sentence of documentation").toEqual([]);
  await expect(withoutComments(text)).toMatchFileSnapshot(join(packages, name, "api.d.ts"));
});

const adapterEntries = published.flatMap(([name, entries]) =>
  adapters.has(name) ? entries.map(([entry, source]) => [name, entry, source] as const) : [],
);
test.each(adapterEntries)("%s gives few values at %s", async (name, _entry, source) => {
  expect(Object.keys(await import(join(packages, name, source))).length).toBeLessThanOrEqual(5);
});

/**
 * What the entry points export, and the declarations of that and of what it needs, as the compiler writes them.
 */
async function declarationsOf(name: string, entries: Entries): Promise<Declarations> {
  const compiled = (file: string): string =>
    join(packages, name, ".tsc", dirname(file), `${basename(file, ".ts")}.d.ts`);
  const bundle = await rolldown({
    input: Object.fromEntries(
      entries.map(([entry, file]) => [
        entry.replace(/^\.\/?$/, "index").replace("./", ""),
        compiled(file),
      ]),
    ),
    external: /^[^./]/,
    plugins: [besideEachOther, dts({ dtsOnly: true, generator: "oxc", tsconfig: false })],
  });
  const { output } = await bundle.generate({
    entryFileNames: "[name].d.ts",
    chunkFileNames: "[name].d.ts",
    minifyInternalExports: false,
    // All declarations go into one place, whichever entry points share them.
    codeSplitting: { groups: [{ name: "declarations", test: /./ }] },
  });
  const chunks = output.filter((each) => each.type === "chunk");
  return {
    text: chunks.map(({ name, code }) => `// ${name}\n${code}\n`).join("\n"),
    names: chunks.filter(({ isEntry }) => isEntry).map(({ name, exports }) => [name, exports]),
  };
}

/** Compiled modules still refer to each other by their sources. */
const besideEachOther = {
  name: "beside-each-other",
  resolveId: (id: string, from: string | undefined): string | undefined =>
    from !== undefined && /^\..*\.ts$/.test(id)
      ? join(dirname(from), id.replace(/(\.d)?\.ts$/, ".d.ts"))
      : undefined,
};

/** Exported declarations, and methods of them, that have no comment. */
function withoutSentence(code: string): string[] {
  const found: string[] = [];
  let isExported = false;
  let before = "";
  for (const line of code.split("\n")) {
    const declared =
      /^(export )?(?:declare )?(?:abstract )?(?:class|const|function|interface|type) \w/;
    const [start, exported] = declared.exec(line) ?? [];
    if (start !== undefined) isExported = exported !== undefined;
    const isMethod = /^  (?:static )?(?!constructor)[\w[][\w.\]]*\??(?:<.*>)?\(/.test(line);
    if (isExported && (start !== undefined || isMethod) && !before.endsWith("*/")) found.push(line);
    before = line;
  }
  return found;
}

/** Comments may change without a decision. */
function withoutComments(code: string): string {
  return code.replaceAll(/^[^\S\n]*\/\*\*[^]*?\*\/\n/gm, "");
}
