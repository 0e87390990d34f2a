/** What the guest's Python and TypeScript both need is written down twice; here it is compared. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FROM_KERNEL, TO_KERNEL } from "./kernel-frames.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const channel = read("kernel/emberbox_channel.py");

/** What the first group of `pattern` matches in a source. */
function part(source: string, pattern: RegExp): string {
  const found = pattern.exec(source)?.[1];
  if (found === undefined) throw new Error(`nothing is like ${pattern}`);
  return found;
}

/** `A, B = 1, 2` as an object. */
function numbers(source: string, first: string): Record<string, number> {
  const [, names, values] = new RegExp(`^(${first}, .*) = (.*)$`, "m").exec(source)!;
  return Object.fromEntries(
    names!.split(", ").map((name, index) => [name, Number(values!.split(", ")[index])]),
  );
}

test("the kinds of frames", () => {
  const { output, error, end, ready, hello } = FROM_KERNEL;
  expect(numbers(channel, "OUTPUT")).toEqual({
    OUTPUT: output,
    ERROR: error,
    END: end,
    READY: ready,
    HELLO: hello,
  });
  const { execute, restored, reset, reportFiles } = TO_KERNEL;
  expect(numbers(channel, "EXECUTE")).toEqual({
    EXECUTE: execute,
    RESTORED: restored,
    RESET: reset,
    REPORT_FILES: reportFiles,
  });
});

test("the field of a result for each MIME type", () => {
  const python = part(read("kernel/emberbox_results.py"), /^FIELDS = (\{.*?\n\})/ms);
  const typescript = part(read("src/mime-bundle.ts"), /^const FIELDS[^=]* = (\{.*?\n\});/ms);
  expect(pairs(python)).toEqual(pairs(typescript));
});

const pairs = (source: string): Record<string, string> =>
  Object.fromEntries([...source.matchAll(/"([^"]+)": "([^"]+)"/g)].map(([, a, b]) => [a, b]));

test("the bounds of a report on files", () => {
  const python = read("kernel/emberbox_files.py");
  const typescript = read("src/interpreter/changed-files.ts");
  for (const name of ["MAX_ENTRIES", "MAX_REPORTED"])
    expect(part(python, new RegExp(`^${name} = (.*)$`, "m"))).toBe(
      part(typescript, new RegExp(`^const ${name} = (.*);$`, "m")),
    );
  for (const name of part(python, /^PASSED_OVER = \{(.*)\}$/m).matchAll(/"([^"]+)"/g))
    expect(part(typescript, /^const PASSED_OVER = "(.*)"/m)).toContain(`-name ${name[1]} `);
});
