import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { Template } from "@emberbox/core";
import { oneLine, plainText } from "@emberbox/core/terminal";
import { type TemplateInfo, templatesOf } from "@emberbox/core/provider";
import { type BuiltTemplate, DEFAULT_TAG } from "@emberbox/core/template";
import { prune, templateLog } from "@emberbox/microvm/internal";
import { microvm } from "@emberbox/microvm";
import { buildDisplay } from "./build-display.ts";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { collect } from "./lists.ts";
import { parseWhole } from "./numbers.ts";
import { inMiB, printJson } from "./print.ts";
import { onWait, report } from "./prune.ts";
import { addTemplateTags } from "./template-tags.ts";

interface BuildFlags {
  readonly name: string;
  readonly tag?: readonly string[];
  readonly file?: string;
  readonly memory?: number;
  readonly cpus?: number;
  /** False with `--no-cache`. */
  readonly cache: boolean;
  readonly json?: true;
}

export function addTemplate(program: Command, finish: Finish): void {
  const template = program
    .command("template")
    .summary("make templates of one's own, from a Dockerfile")
    .description("Makes, lists, tags and deletes templates of one's own.")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox template init
  $ emberbox template build . --name mine
  $ emberbox run --template mine -`,
    );
  template
    .command("init")
    .summary("write a Dockerfile to begin with")
    .description("Writes a Dockerfile to begin with. One that is there is left alone.")
    .argument("[DIRECTORY]", "where to", ".")
    .addHelpText("after", "\nExample:\n  $ emberbox template init my-template")
    .action(async (directory: string) => {
      await init(directory);
      finish(EXIT.ok);
    });
  template
    .command("build")
    .summary("build a template from a directory with a Dockerfile")
    .description(
      "Builds a template from a directory with a Dockerfile. What it has in common with earlier builds is not done again, and a build that had its name and tag is replaced once the new one is complete.",
    )
    .argument("[DIRECTORY]", "what COPY copies from", ".")
    .requiredOption("-n, --name <NAME>", "what sandboxes are created by")
    .option("-t, --tag <TAG>", "a tag, instead of `default`; may be repeated", collect)
    .option("-f, --file <FILE>", "the Dockerfile (default: Dockerfile in the directory)")
    .option("-m, --memory <MB>", "memory of its sandboxes in MiB (default: 1024)", parseWhole)
    .option("--cpus <N>", "processors of its sandboxes (default: 1)", parseWhole)
    .option("--no-cache", "use nothing of earlier builds")
    .option("--json", "print the template as JSON, and nothing else, on standard output")
    .addHelpText(
      "after",
      `
FROM names a template (\`default\`, another one of the engine's, or one of your own) or a container image
that is made of Debian or Ubuntu, such as \`python:3.12-slim\`, which skopeo fetches.

Examples:
  $ emberbox template build . --name mine
  $ emberbox template build . --name mine --tag v2 --tag stable
  $ emberbox template build . --name mine --file Dockerfile.sandbox --memory 2048`,
    )
    .action(async (directory: string, flags: BuildFlags) => finish(await build(directory, flags)));
  template
    .command("list")
    .summary("list the templates that there are")
    .description(
      "Lists the templates that come with Emberbox, with size on disk and what is in them, whether they are built or not; then one's own, build by build, with tags, size on disk, memory, processors and age.",
    )
    .option("--json", "print them as JSON")
    .action(async (flags: { readonly json?: true }) => {
      await list(flags);
      finish(EXIT.ok);
    });
  addTemplateTags(template, finish);
  template
    .command("logs")
    .summary("print what a template's last build did")
    .description("Prints what the last build of a template did and printed, and how it failed.")
    .argument("<NAME>", "the template")
    .action(async (name: string) => finish(await logs(name)));
  template
    .command("delete")
    .summary("delete templates")
    .description("Deletes templates. Sandboxes that were made from them live on.")
    .argument("<NAME...>", "the templates")
    .action(async (names: readonly string[]) => finish(await remove(names)));
  template
    .command("prune")
    .summary("remove what builds keep for later ones")
    .description(
      "Removes what builds keep for later ones. Templates are kept; the next build of each does every step.",
    )
    .option("--dry-run", "only say what would be removed")
    .action(async ({ dryRun }: { readonly dryRun?: true }) => {
      report(await prune({ builds: true, dryRun, onWait }), dryRun ?? false);
      finish(EXIT.ok);
    });
}

const DOCKERFILE = `# A template: \`emberbox template build . --name mine\` builds it, and
# \`emberbox run --template mine\` uses it.
FROM default

RUN pip install --break-system-packages cowsay
COPY . /home/user/app
WORKDIR /home/user/app
USER user
`;

async function init(directory: string): Promise<void> {
  const path = join(directory, "Dockerfile");
  try {
    await writeFile(path, DOCKERFILE, { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new UsageError(`${path} is there already`);
    throw new UsageError(`${path} cannot be written: ${message}`);
  }
  say(`wrote ${path}\nBuild it by: emberbox template build ${directory} --name mine`);
}

async function build(directory: string, flags: BuildFlags): Promise<number> {
  const { name, tag, file = join(directory, "Dockerfile"), memory, cpus, cache, json } = flags;
  await requireFile(file);
  const template = Template({ fileContextPath: directory });
  if (!cache) template.skipCache();
  template.fromDockerfile(file);
  using interrupt = listenForInterrupt();
  const display = buildDisplay();
  await using provider = microvm({ standby: false, onProgress: say });
  try {
    const built = await Template.build(template, {
      ...{ name, tags: tag, provider, memoryMB: memory, cpuCount: cpus },
      ...{ signal: interrupt.signal, onBuildLogs: (log) => display.show(log) },
    });
    display.end();
    if (json) printJson(built);
    else {
      const names = built.tags.map((each) => nameOf(built, each)).join(", ");
      process.stdout.write(`template  ${names}\nbuild     ${built.buildId}\n`);
    }
    return EXIT.ok;
  } catch (error) {
    display.end();
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

async function requireFile(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile()) return;
  throw new UsageError(
    `there is no ${path}`,
    "Name one with --file, or write one by `emberbox template init`.",
  );
}

async function list({ json }: { readonly json?: true }): Promise<void> {
  await using provider = microvm();
  const own = await Template.list({ provider });
  const sizes = (await provider.templateSizes?.()) ?? {};
  const ready = templatesOf(provider).map((info) =>
    Object.assign({ sizeBytes: sizes[info.name] }, info),
  );
  if (json) return printJson([...ready, ...own]);
  for (const line of [...ready.map(describeReady), ...own.map(describe)])
    process.stdout.write(`${line}\n`);
  if (own.length === 0) say("there is none of your own; `emberbox template build` builds one");
}

function describeReady({
  name,
  languages,
  system,
  sizeBytes,
}: TemplateInfo & { readonly sizeBytes: number | undefined }): string {
  const size = sizeBytes === undefined ? "not built" : inMiB(sizeBytes);
  return `${name.padEnd(24)} ${size.padStart(12)}  ${system}: ${languages.join(", ")}`;
}

/** What sandboxes are created by: the name alone for the usual tag. */
const nameOf = ({ name }: BuiltTemplate, tag: string): string =>
  tag === DEFAULT_TAG ? name : `${name}:${tag}`;

function describe(template: BuiltTemplate): string {
  const { tags, memoryMB, cpuCount, sizeBytes, createdAt } = template;
  const size = sizeBytes === undefined ? "" : inMiB(sizeBytes);
  const made = createdAt.toISOString().slice(0, 16).replace("T", " ");
  const names = tags.map((tag) => nameOf(template, tag)).join(", ");
  return `${oneLine(names).padEnd(24)} ${size.padStart(12)}  ${memoryMB} MiB, ${cpuCount} CPU, built ${made}`;
}

async function logs(name: string): Promise<number> {
  if (!/^[a-z0-9][\w.-]*$/.test(name))
    throw new UsageError(
      `${name} is not the name of a template`,
      "Give the name without a tag: the log is that of its last build.",
    );
  const log = await templateLog(name);
  if (log === undefined) {
    say(`nothing is known of a build of ${name}`);
    return EXIT.failed;
  }
  process.stdout.write(process.stdout.isTTY ? plainText(log) : log);
  return EXIT.ok;
}

async function remove(names: readonly string[]): Promise<number> {
  await using provider = microvm();
  let exitCode: number = EXIT.ok;
  for (const name of names) {
    if (await Template.delete(name, { provider })) continue;
    say(`there is no template ${name}`);
    exitCode = EXIT.failed;
  }
  return exitCode;
}
