import type { Execution, Sandbox } from "@emberbox/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox } from "./support/sandboxes.ts";

let sandbox: Sandbox;
const run = (code: string, options?: Parameters<Sandbox["runCode"]>[1]): Promise<Execution> =>
  sandbox.runCode(code, { language: "r", timeoutMs: 240_000, ...options });

beforeAll(async () => {
  sandbox = await createSandbox({ template: "r", timeoutMs: 3_600_000 });
});
afterAll(async () => void (await sandbox.kill()));

test("r.values: values, printed output and messages; variables stay", async () => {
  const first = await run("x <- 20; cat('printed\\n'); message('said'); x + 1");
  expect(first.error).toBe(undefined);
  expect(first.text).toBe("[1] 21");
  expect(first.logs.stdout.join("")).toBe("printed\n");
  expect(first.logs.stderr.join("")).toContain("said");
  expect((await run("x * 2")).text).toBe("[1] 40");
  const { results, text } = await run("'one'\n'two'");
  expect(results.map(({ isMainResult }) => isMainResult)).toEqual([false, true]);
  expect(text).toContain("two");
});

test("r.table: a data frame as text, HTML and Markdown", async () => {
  const { results } = await run("data.frame(day = 1:2, sold = c(1.5, NA))");
  expect(results[0]?.text).toMatch(/2 2\s+NA/);
  expect(results[0]?.html).toContain("<table");
  expect(results[0]?.markdown).toContain("| 1 | 1.5 |");
});

test("r.plot: plots as PNG, and as SVG and PDF when those are asked for", async () => {
  const { results } = await run(
    "plot(1:10)\nlibrary(ggplot2)\nggplot(mtcars, aes(wt, mpg)) + geom_point()",
  );
  expect(results).toHaveLength(2);
  for (const { png } of results) {
    const picture = Buffer.from(png!, "base64");
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
    expect(picture.readUInt32BE(16)).toBeGreaterThan(300);
  }
  const vector = await run(
    "options(jupyter.plot_mimetypes = c('image/svg+xml', 'application/pdf'))\nplot(1)",
  );
  expect(vector.results[0]?.svg).toContain("<svg");
  expect(Buffer.from(vector.results[0]!.pdf!, "base64").toString("latin1", 0, 5)).toBe("%PDF-");
});

test("r.error: a condition and a mistake in the syntax are results; a request for input is refused", async () => {
  const { error } = await run("fails <- function() stop('broken')\nfails()");
  expect(error?.value).toContain("broken");
  expect(error?.traceback).toContain("fails()");
  expect((await run("1 +* 2")).error?.value).toContain("unexpected '*'");
  expect((await run("readline('your name? ')")).error?.value).toMatch(/your name\?.*keyboard/);
  expect((await run("library(nosuchpackage)")).error?.value).toContain("nosuchpackage");
  expect((await run("'next'")).text).toContain("next");
});

test("r.timeout: an interrupt keeps the variables", async () => {
  await run("survivor <- 7");
  for (const code of ["Sys.sleep(60)", "while (TRUE) {}"]) {
    const error = await run(code, { timeoutMs: 1500 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "timeout", details: { restarted: false } });
  }
  expect((await run("survivor")).text).toBe("[1] 7");
});

test("r.envs: variables for one call only", async () => {
  const code = "cat(Sys.getenv('ONCE', 'unset'))";
  const once = await run(code, { envs: { ONCE: `it's "é"\\` } });
  expect(once.logs.stdout.join("")).toBe(`it's "é"\\`);
  expect((await run(code)).logs.stdout.join("")).toBe("unset");
});

test("r.packages: packages can be installed by the user", async () => {
  await sandbox.commands.run(
    "mkdir -p small/R && printf 'Package: small\\nVersion: 1.0\\nTitle: S\\nDescription: S.\\nAuthor: A\\nMaintainer: A <a@b.c>\\nLicense: GPL-2\\n' > small/DESCRIPTION && echo 'export(four)' > small/NAMESPACE && echo 'four <- function() 4' > small/R/four.R",
  );
  const installed = await run("install.packages('small', repos = NULL, type = 'source')");
  expect(installed.error).toBe(undefined);
  expect((await run("library(small)\nfour()")).text).toBe("[1] 4");
});
