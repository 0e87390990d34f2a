import { type Command, InvalidArgumentError } from "commander";
import { plainText, safeJson } from "@emberbox/core/terminal";
import { EXIT, type Finish } from "./failure.ts";
import { benchIds } from "../bench/results.ts";

export function addBench(program: Command, finish: Finish): void {
  program
    .command("bench")
    .summary("measure sandboxes on this machine")
    .description(
      "Measures sandboxes on this machine, and what they are compared with, and prints a table.",
    )
    .option("--json", "print the results as JSON, and nothing else, on standard output")
    .option(
      "--only <IDS>",
      `measure these only, separated by commas: ${benchIds.join(", ")}`,
      parseIds,
    )
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox bench
  $ emberbox bench --json > bench.json
  $ emberbox bench --only create_to_pandas,host_import`,
    )
    .action(async (flags: { readonly json?: true; readonly only?: readonly string[] }) => {
      const { bench } = await import("../bench/bench.ts");
      const report = await bench(flags.only ?? benchIds, (line) =>
        process.stderr.write(`${plainText(line)}\n`),
      );
      const { formatTable } = await import("../bench/table.ts");
      process.stdout.write(
        flags.json ? `${safeJson(JSON.stringify(report, undefined, 2))}\n` : formatTable(report),
      );
      finish(EXIT.ok);
    });
}

function parseIds(text: string): string[] {
  const ids = text.split(",").map((id) => id.trim());
  const unknown = ids.find((id) => !benchIds.some((known) => known === id));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no \`${unknown}\`.`);
  return ids;
}
