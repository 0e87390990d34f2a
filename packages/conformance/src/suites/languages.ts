import type { Harness } from "../harness.ts";

export function describeLanguages({ expect, behaviour }: Harness): void {
  behaviour("javascript.state-kept", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "javascript" });
    await run("const twice = (x) => 2 * x; let kept = 1; class Point { x = 3 }");
    await run("const kept2 = kept; let kept3 = 5");
    expect((await run("let kept3 = twice(kept + new Point().x); kept3")).text).toBe("8");
  });

  behaviour("javascript.await-and-import", async (sandbox) => {
    await sandbox.files.write(
      "node_modules/small/index.js",
      "export const small = 4; export default 5;",
    );
    await sandbox.files.write(
      "node_modules/small/package.json",
      '{ "type": "module", "exports": "./index.js" }',
    );
    const run = (code: string) => sandbox.runCode(code, { language: "js" });
    const code =
      "import five, { small as four } from 'small';\nimport * as path from 'node:path';\nfour + five";
    const first = await run(code);
    expect(first.error?.value).toBe(undefined);
    expect(first.text).toBe("9");
    expect((await run("await Promise.resolve(path.join('a', 'b'))")).text).toBe("a/b");
    const missing = await run("import 'there-is-no-such-package'");
    expect(missing.error?.value).toContain("npm install there-is-no-such-package");
  });

  behaviour("javascript.missing-export", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "javascript" });
    const { error } = await run("import { readFileSync, nothing } from 'node:fs'");
    expect(error?.name).toBe("SyntaxError");
    expect(error?.value).toContain("'node:fs' does not provide an export named 'nothing'");
    expect(
      (await run("import fs, { existsSync as is } from 'node:fs'; is === fs.existsSync")).text,
    ).toBe("true");
  });

  behaviour("javascript.declared-again", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "node" });
    for (const code of [
      "const again = 'const'",
      "let again = 'let'",
      "var again = 'var'",
      "function again() {}; void 0",
      "class again {}",
      "const again = null.x",
      "import { sep as again } from 'node:path'",
      "var again = 'var'",
    ]) {
      const { error } = await run(code);
      if (!code.includes("null")) expect(error?.value, code).toBe(undefined);
    }
    expect((await run("again")).text).toBe("var");
  });

  behaviour("javascript.not-awaited", async (sandbox) => {
    const code = `const sleep = (ms) => new Promise((go) => setTimeout(go, ms));
async function main() { for (const i of [1, 2]) { await sleep(50); console.log(i); } }
main();
"value"`;
    const { text, logs } = await sandbox.runCode(code, { language: "js" });
    expect([text, logs.stdout.join("")]).toEqual(["value", "1\n2\n"]);
    const repeating = await sandbox.runCode("var again = setInterval(() => {}, 1000); 'at once'", {
      language: "js",
      timeoutMs: 9000,
    });
    expect(repeating.text).toBe("at once");
    await sandbox.runCode("clearInterval(again)", { language: "js" });
  });

  behaviour("javascript.output", async (sandbox) => {
    const { logs, results } = await sandbox.runCode(
      "console.log('out', { a: 1 }); console.error('err'); display({ 'text/html': '<b>x</b>' }); [1, 2]",
      { language: "javascript" },
    );
    expect(logs.stdout.join("")).toBe("out { a: 1 }\n");
    expect(logs.stderr.join("")).toBe("err\n");
    expect(
      results.map(({ html, text, json, isMainResult }) => [html ?? text, json, isMainResult]),
    ).toEqual([
      ["<b>x</b>", undefined, false],
      ["[ 1, 2 ]", [1, 2], true],
    ]);
  });

  behaviour("javascript.error", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "javascript" });
    const { error } = await run("function fails() {\n  null.x;\n}\nfails()");
    expect(error).toMatchObject({ name: "TypeError" });
    expect(error?.traceback).toMatch(/at fails \(cell-\d+\.js:2:8\)\n\s+at cell-\d+\.js:4:1$/);
    const syntax = await run("let ok = 1;\nlet x = ;");
    expect(syntax.error?.name).toBe("SyntaxError");
    expect(syntax.error?.traceback).toContain("let x = ;\n        ^");
    const stray = await run(
      "setTimeout(() => { throw new Error('stray') }, 1); await new Promise((r) => setTimeout(r, 100)); 'lives'",
    );
    expect(stray.text).toBe("lives");
    expect(stray.logs.stderr.join("")).toContain("Error: stray");
  });

  behaviour("javascript.timeout-keeps-kernel", async (sandbox) => {
    await sandbox.runCode("const survivor = 1", { language: "javascript" });
    for (const code of [
      "while (true);",
      "await new Promise(() => {})",
      "await null; while (true);",
    ]) {
      const options = { language: "javascript", timeoutMs: 1000 };
      const error = await sandbox.runCode(code, options).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "timeout", details: { restarted: false } });
    }
    expect((await sandbox.runCode("survivor", { language: "javascript" })).text).toBe("1");
  });

  behaviour("javascript.interpreter-dies", async (sandbox) => {
    const context = await sandbox.createCodeContext({ language: "javascript" });
    const { error } = await sandbox.runCode("process.exit(3)", { context });
    expect(error).toMatchObject({ name: "KernelDied" });
    expect(error?.value).toContain("exit code 3");
    expect((await sandbox.runCode("40 + 2", { context })).text).toBe("42");
    await sandbox.removeCodeContext(context);
  });

  behaviour("javascript.envs", async (sandbox) => {
    const run = (envs?: Record<string, string>) =>
      sandbox.runCode("process.env.ONCE ?? 'unset'", {
        language: "javascript",
        ...(envs && { envs }),
      });
    expect((await run({ ONCE: "x" })).text).toBe("x");
    expect((await run()).text).toBe("unset");
  });

  behaviour("typescript.types", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "ts" });
    const first = await run(
      "interface P { a: number }\nenum E { x = 3 }\nconst p: P = { a: E.x };\nawait p.a satisfies number",
    );
    expect(first.error?.value).toBe(undefined);
    expect(first.text).toBe("3");
    expect((await run("(p as P).a + 1")).text).toBe("4");
  });

  behaviour("typescript.whole", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "typescript" });
    const sizes =
      "namespace Sizes { export const isBig = (n: number): boolean => n >= 3 }\nSizes.isBig(3)";
    expect((await run(sizes)).text).toBe("true");
    const decorated = `function twice(method: (n: number) => number, _: ClassMethodDecoratorContext) {
  return (n: number) => 2 * method(n);
}
class Shop { @twice price(n: number): number { return n } }
new Shop().price(4)`;
    expect((await run(decorated)).text).toBe("8");
  });

  behaviour("bash.state-kept", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "bash" });
    await run('count=3; cd /tmp; shout() { echo "$1!"; }');
    const { logs, error } = await run(
      "shout $count; pwd; cat <<END\nhere it's $count\nEND\necho bad >&2",
    );
    expect(logs.stdout.join("")).toBe("3!\n/tmp\nhere it's 3\n");
    expect(logs.stderr.join("")).toBe("bad\n");
    expect(error?.name).toBe(undefined);
  });

  behaviour("bash.status", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "sh" });
    expect((await run("(exit 7)")).error).toMatchObject({
      name: "ExitStatus",
      value: "exit status 7",
    });
    const syntax = await run("if then");
    expect(syntax.logs.stderr.join("")).toContain("syntax error");
    expect(syntax.error?.name).toBe("ExitStatus");
    expect((await run("exit 4")).error?.value).toBe("exit status 4");
    expect((await run("echo lives")).logs.stdout.join("")).toBe("lives\n");
  });

  behaviour("bash.script", async (sandbox) => {
    const run = (code: string) => sandbox.runCode(code, { language: "shell" });
    await run("kept=yes");
    for (const failing of ["false", "f() { local kept=no; (exit 3); }; f", "exit 3"]) {
      const script = `set -euo pipefail\ntrap 'echo bye' EXIT\n${failing}\necho no`;
      const { logs, error } = await run(script);
      expect([error?.name, logs.stdout.join("")], failing).toEqual(["ExitStatus", "bye\n"]);
    }
    const { logs } = await run("set +e; false; set -x; sleep 0.01 & wait; echo $kept; set +x");
    expect(logs.stdout.join("")).toBe("yes\n");
    expect(logs.stderr.join("")).toMatch(/^(?:\++ (?:sleep 0.01|wait|echo yes|set \+x)\n){4}$/);
  });

  behaviour("bash.timeout-keeps-kernel", async (sandbox) => {
    await sandbox.runCode("survivor=1", { language: "bash" });
    for (const code of ["while true; do sleep 0.2; done; echo reached", "while true; do :; done"]) {
      const options = { language: "bash", timeoutMs: 1000 };
      const error = await sandbox.runCode(code, options).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "timeout", details: { restarted: false } });
    }
    const { logs } = await sandbox.runCode("echo $survivor", { language: "bash" });
    expect(logs.stdout.join("")).toBe("1\n");
  });

  behaviour("bash.envs", async (sandbox) => {
    const run = (envs?: Record<string, string>) =>
      sandbox.runCode("echo ${ONCE-unset}", { language: "bash", ...(envs && { envs }) });
    expect((await run({ ONCE: "it's\nx" })).logs.stdout.join("")).toBe("it's x\n");
    expect((await run()).logs.stdout.join("")).toBe("unset\n");
  });
}
