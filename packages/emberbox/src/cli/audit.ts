import { readdir } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type AuditEvent, type AuditFindings, readAuditLog } from "@emberbox/core/audit";
import { oneLine, safeJson } from "@emberbox/core/terminal";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { openOutput } from "./output.ts";
import { printJson } from "./print.ts";

interface Filter {
  readonly sandbox?: string;
  readonly kind?: AuditEvent["event"];
  readonly since?: number;
  readonly until?: number;
}

/** What the option of commands says that make sandboxes. */
export const AUDIT =
  "record in this directory what is asked of the sandbox, and what it tries to reach";

const KINDS = ["created", "call", "result", "exit", "network", "dropped", "ended"];

export function addAudit(program: Command, finish: Finish): void {
  const audit = program
    .command("audit")
    .summary("check and read audit logs")
    .description("Works with the audit logs that `--audit DIR` and `audit: { directory }` write.");
  audit
    .command("verify")
    .description(
      "Checks that nothing in a directory of logs was changed, removed, added or put elsewhere. What is cut off at the end of a log shows only to those who have kept the hash of a later event: the last one of each log is printed.",
    )
    .argument("<DIR>", "the directory")
    .option("--json", "print what was found as JSON")
    .addHelpText(
      "after",
      `
Exit code: 0, or 1 when something is not as it was written. A last line that is incomplete, because the program was
killed while it wrote it, is only mentioned.

Examples:
  $ emberbox audit verify audit`,
    )
    .action(async (directory: string, flags: { readonly json?: true }) =>
      finish(await verify(directory, flags.json ?? false)),
    );
  audit
    .command("show")
    .description(
      "Prints the events in a directory of logs, in the order in which each log has them.",
    )
    .argument("<DIR>", "the directory")
    .option("--sandbox <ID>", "only those of this sandbox")
    .addOption(new Option("--kind <KIND>", "only those of this kind").choices(KINDS))
    .option("--since <TIME>", "only those from then on, in ISO 8601", parseTime)
    .option("--until <TIME>", "only those before", parseTime)
    .option("--json", "print each as a line of JSON, as it was written")
    .addHelpText(
      "after",
      `
Exit code: 0, or 1 when something is not as it was written; such lines are not shown.

Examples:
  $ emberbox audit show audit --kind network
  $ emberbox audit show audit --since 2026-01-31T08:00:00Z --json | jq .command`,
    )
    .action(async (directory: string, flags: Filter & { readonly json?: true }) =>
      finish(await show(directory, flags)),
    );
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError("It must be a time in ISO 8601.");
  return time;
}

async function read(
  directory: string,
  onEvent?: (event: AuditEvent) => unknown,
): Promise<AuditFindings> {
  await readdir(directory).catch((error: Error) => {
    throw new UsageError(`${directory} cannot be read: ${error.message}`);
  });
  return readAuditLog(directory, onEvent);
}

async function verify(directory: string, json: boolean): Promise<number> {
  const findings = await read(directory);
  if (json) printJson(findings);
  else {
    for (const { log, seq, hash } of findings.heads)
      process.stdout.write(`${oneLine(log)}  ${seq} events  ${hash}\n`);
    sayFindings(findings);
    if (findings.problems.length === 0) say(`${findings.events} events, all as they were written`);
  }
  return findings.problems.length === 0 ? EXIT.ok : EXIT.failed;
}

async function show(
  directory: string,
  { json, ...filter }: Filter & { readonly json?: true },
): Promise<number> {
  using output = openOutput();
  const findings = await read(directory, (event) => {
    if (!passes(event, filter) || output.broken.aborted) return undefined;
    return output.write(`${json ? safeJson(JSON.stringify(event)) : lineOf(event)}\n`);
  });
  if (output.broken.aborted) return EXIT.brokenPipe;
  sayFindings(findings);
  return findings.problems.length === 0 ? EXIT.ok : EXIT.failed;
}

function sayFindings({ problems, torn }: AuditFindings): void {
  for (const { file, line, what } of problems) say(`${file}, line ${line}: ${what}`);
  for (const file of torn) say(`${file}: the last line is incomplete`);
}

export function passes(event: AuditEvent, { sandbox, kind, since, until }: Filter): boolean {
  const time = Date.parse(event.time);
  return (
    (sandbox === undefined || event.sandboxId === sandbox) &&
    (kind === undefined || event.event === kind) &&
    (since === undefined || time >= since) &&
    (until === undefined || time < until)
  );
}

const MAX_FACTS = 200;

/** One event in one line: when, where, what, and the beginning of the facts. */
export function lineOf(event: AuditEvent): string {
  const { seq: _seq, time, sandboxId, event: kind, call, method, prev, hash, ...facts } = event;
  void [prev, hash];
  const text = JSON.stringify(facts);
  const rest = text === "{}" ? "" : text.slice(0, MAX_FACTS);
  const number = call === undefined ? "" : `#${call}`;
  return oneLine([time, sandboxId, kind, number, method ?? "", rest].filter(Boolean).join("  "));
}
