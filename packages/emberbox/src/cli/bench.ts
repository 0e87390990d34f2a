import { type Command, InvalidArgumentError } from "commander";
import { plainText } from "@emberbox/core/terminal";
import { EXIT, type Finish, inWords, say } from "./failure.ts";
import { printJson } from "./print.ts";
import { benchIds } from "../bench/results.ts";

interface Flags {
  readonly compare?: string;
  readonly json?: true;
  readonly only?: readonly string[];
  /** `true` if no file was named. */
  readonly report?: string | true;
}

const REPORT = "emberbox-bench.md";

export function addBench(program: Command, finish: Finish): void {
  program
    .command("bench")
    .summary("measure sandboxes on this machine")
    .description(
      "Measures sandboxes on this machine, and what they are compared with, and prints a table. It takes some minutes, and wants a machine that does nothing else.",
    )
    .option(
      "--compare <FILE>",
      "add ratios to an earlier run, of which FILE has what --json printed",
    )
    .option("--json", "print the results as JSON, and nothing else, on standard output")
    .option(
      "--only <IDS>",
      `measure these only, separated by commas: ${benchIds.join(", ")}`,
      parseIds,
    )
    .option(
      "--report [FILE]",
      `also write one page of Markdown with the machine, the table and the doctor's output, to be attached to an issue; it names neither you nor your directories (${REPORT} if no FILE is named, and one that is there is replaced)`,
    )
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox bench
  $ emberbox bench --report
  $ emberbox bench --json > bench.json
  $ emberbox bench --compare bench.json
  $ emberbox bench --only create_to_pandas,host_import`,
    )
    .action(async (flags: Flags) => {
      await run(flags);
      finish(EXIT.ok);
    });
}

async function run({ compare, json, only = benchIds, report }: Flags): Promise<void> {
  const [{ bench }, { readEarlier, ratioTo }, { formatTable }, { beginReport }] = await Promise.all(
    [
      import("../bench/bench.ts"),
      import("../bench/compare.ts"),
      import("../bench/table.ts"),
      import("./bench-report.ts"),
    ],
  );
  const earlier = compare === undefined ? undefined : await readEarlier(compare);
  const file = report === true ? REPORT : report;
  const write = file === undefined ? undefined : await beginReport(file);
  const measured = await bench(only, (line) => process.stderr.write(`${plainText(line)}\n`)).catch(
    async (error: unknown) => {
      await write?.(`It failed: ${inWords(error)}`);
      throw error;
    },
  );
  const table = formatTable(measured, earlier);
  await write?.(table);
  const { results } = measured;
  const toEarlier =
    earlier &&
    Object.fromEntries(results.map(({ id }) => [id, ratioTo(earlier, results, id) ?? null]));
  if (json) printJson({ ...measured, toEarlier });
  else process.stdout.write(table);
  if (file !== undefined) say(`wrote ${file}, to be attached to an issue`);
}

function parseIds(text: string): string[] {
  const ids = text.split(",").map((id) => id.trim());
  const unknown = ids.find((id) => !benchIds.some((known) => known === id));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no \`${unknown}\`.`);
  return ids;
}
