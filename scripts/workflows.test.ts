import { readdirSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";

// GitHub's own parser imports its schema the way bundlers do, without declaring it as JSON.
registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context),
});
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } =
  await import("@actions/workflow-parser");

const folder = join(import.meta.dirname, "../.github/workflows");
const workflows = readdirSync(folder).map(
  (name) => [name, readFileSync(join(folder, name), "utf8")] as const,
);

/** What GitHub would refuse: unknown keys, values, and names in expressions. */
async function mistakesIn(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

test("there are workflows for checks, machines and releases", () => {
  expect(workflows.map(([name]) => name)).toEqual(["check.yml", "machines.yml", "release.yml"]);
});

test("the parser sees a permission, a name and a key that are none", async () => {
  const wrong =
    "on: push\npermissions: { contents: reed }\njobs: { a: { runs-on: x, steps: [{ run: '${{ no.such }}', wit: 1 }] } }";
  expect(await mistakesIn("wrong.yml", wrong)).toHaveLength(3);
});

test.each(workflows)("GitHub accepts %s", async (name, content) => {
  expect(await mistakesIn(name, content)).toEqual([]);
});

test.each(workflows)(
  "%s pins actions by their major version and says its permissions",
  (_, content) => {
    const used = [...content.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
    expect(content).toMatch(/^permissions:(?: \{\}$|\n  contents: read\n\n)/m);
  },
);
