import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ForkedKernel } from "../interpreter/forked-kernel.ts";
import { NODE_FLAGS } from "../interpreter/javascript-process.ts";
import { RawOutput } from "../interpreter/raw-output.ts";

interface Outcome {
  text?: string;
  json?: unknown;
  stdout: string;
  stderr: string;
  error?: string;
  traceback?: string;
}

const directory = mkdtempSync(join(tmpdir(), "emberbox-js-"));
const kernels: ForkedKernel[] = [];
let javascript: ForkedKernel;
let typescript: ForkedKernel;

async function start(language: string): Promise<ForkedKernel> {
  const child = spawn(
    "node",
    [...NODE_FLAGS, "--conditions=@emberbox/source", join(import.meta.dirname, "main.ts")],
    {
      cwd: directory,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    },
  );
  const [, stdout, stderr, frames, control] = child.stdio as unknown as Socket[];
  const kernel = new ForkedKernel(child.pid!, frames!, {
    output: new RawOutput(stdout!, stderr!),
    interrupt: (execution) => {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(execution);
      control!.write(number);
    },
  });
  kernels.push(kernel);
  await kernel.ready;
  await kernel.become({ language, cwd: directory, envs: {} });
  return kernel;
}

beforeAll(async () => {
  writeFileSync(join(directory, "module.mjs"), "export const a = 'imported';");
  [javascript, typescript] = await Promise.all([start("javascript"), start("typescript")]);
}, 60_000);

afterAll(() => {
  for (const kernel of kernels) kernel.kill();
  rmSync(directory, { recursive: true, force: true });
});

function run(kernel: ForkedKernel, code: string, onStdout?: () => void): Promise<Outcome> {
  const outcome: Outcome = { stdout: "", stderr: "" };
  let pending = "";
  const take = (bytes: Buffer): void => {
    const lines = (pending + bytes.toString()).split("\n");
    pending = lines.pop()!;
    for (const line of lines) {
      const { type, text, json, name, value, traceback } = JSON.parse(line) as Record<
        string,
        string
      >;
      if (type === "stdout" || type === "stderr") outcome[type] += text;
      if (type === "stdout") onStdout?.();
      if (type === "result") Object.assign(outcome, { text }, json !== undefined && { json });
      if (type === "error") Object.assign(outcome, { error: `${name}: ${value}`, traceback });
    }
  };
  return new Promise((resolve) => {
    kernel.execute(code, undefined, {
      output: take,
      error: take,
      end: () => resolve(outcome),
      flush: () => undefined,
    });
  });
}

const js = (code: string): Promise<Outcome> => run(javascript, code);
const ts = (code: string): Promise<Outcome> => run(typescript, code);

describe("names that are declared again", () => {
  const ways = {
    const: ["const NAME = 'const'", "const"],
    let: ["let NAME = 'let'", "let"],
    "let without a value": ["let NAME", undefined],
    var: ["var NAME = 'var'", "var"],
    "var in a loop": ["for (var NAME of ['loop']);", "loop"],
    function: [
      "NAME.kind = 'function'\nfunction NAME() {}\nvoid 0",
      "[Function: NAME] { kind: 'function' }",
    ],
    class: ["class NAME {}", "[class NAME]"],
    import: ["import { a as NAME } from './module.mjs'", "imported"],
    destructuring: ["const { x: [NAME] } = { x: ['inner'] }", "inner"],
    "a failure": ["let NAME = null.x", undefined],
    "a failed constant": ["const NAME = null.x", undefined],
    "a failed import": ["import NAME from './nothing.mjs'", undefined],
  } as const;

  test.for(Object.keys(ways))("%s, then in every other way", async (first) => {
    for (const [second, [code, wanted]] of Object.entries(ways)) {
      const name = `n${Math.random().toString(36).slice(2)}`;
      const now = (text: string): string => text.replaceAll("NAME", name);
      await js(now(ways[first as keyof typeof ways][0]));
      const outcome = await js(now(code));
      if (second.includes("fail")) continue;
      expect(outcome.error, second).toBeUndefined();
      const { text, error } = await js(name);
      expect(text ?? error, second).toBe(wanted && now(wanted));
    }
  });

  test("what used them sees the new value", async () => {
    await js("const rate = 1; function price() { return rate * 2 }");
    await js("let rate = 5");
    expect((await js("price()")).text).toBe("10");
    await js("function rate() { return 7 }; var price = rate()");
    expect((await js("price")).text).toBe("7");
  });

  test("a function is there before its line", async () => {
    await js("const later = 1, helper = 2");
    const code =
      "later()\nfunction later() { return helper() }\nasync function helper() {\n  null.x }";
    const { error, traceback } = await js(code);
    expect(error).toMatch(/^TypeError/);
    expect(traceback).toMatch(/at helper \(cell-\d+\.js:4:8\)\n\s+at later \(cell-\d+\.js:2:/);
  });

  test("a variable without a value keeps the one it has", async () => {
    await js("let kept = 1");
    expect((await js("var kept; kept")).text).toBe("1");
  });

  test("constants stay constant until they are declared again", async () => {
    await js("const fixed = 1");
    for (const code of ["fixed = 2", "fixed++", "[fixed] = [2]", "({ fixed } = { fixed: 2 })"])
      expect((await js(code)).error).toBe("TypeError: Assignment to constant variable.");
    expect((await js("{ let fixed = 2; fixed = 3 }; fixed")).text).toBe("1");
    expect((await js("let fixed = 2; fixed = 3")).text).toBe("3");
    expect((await js("const own = 1; own = 2")).error).toMatch(/^TypeError/);
  });

  test("what Node has is hidden, not replaced", async () => {
    await js("const crypto = 1; let structuredClone = 2");
    expect((await js("typeof globalThis.crypto + typeof globalThis.structuredClone")).text).toBe(
      "objectfunction",
    );
  });
});

describe("TypeScript", () => {
  test("namespaces, enums, and what has to be written differently", async () => {
    const code = `namespace Sizes {
  export const limit = 3;
  export const isBig = (n: number): boolean => n >= limit;
}
enum Level { low = 1, high }
class Point { constructor(readonly x: number, private y = <any>2) {} }
[Sizes.isBig(3), Level.high, new Point(1)]`;
    expect((await ts(code)).text).toBe("[ true, 2, Point { x: 1, y: 2 } ]");
    expect((await ts("Sizes.limit + Level.low")).text).toBe("4");
    await ts("const Level = 5");
    expect((await ts("enum Level { other }; Level")).text).toBe("{ '0': 'other', other: 0 }");
  });

  test("decorators", async () => {
    const code = `function twice<T extends (...all: any[]) => number>(method: T, context: ClassMethodDecoratorContext) {
  return function (this: unknown, ...all: any[]): number { return method.apply(this, all) * 2 }
}
class A { @twice price(n: number): number { return n } }
new A().price(4)`;
    expect(await ts(code)).toMatchObject({ text: "8", stderr: "" });
  }, 60_000);

  test("decorators of the older kind", async () => {
    const code = `function log(target: any, key: string, descriptor: PropertyDescriptor) {
  const inner = descriptor.value;
  descriptor.value = function (...all: any[]) { return [key, inner.apply(this, all)] };
}
class B { @log run() { return 1 } }
new B().run()`;
    expect((await ts(code)).text).toBe("[ 'run', 1 ]");
  }, 60_000);

  test("places are those of the code as it was written", async () => {
    const code = "interface P {\n  a: number;\n}\nfunction f(p?: P) {\n  null.x;\n}\nf()";
    for (const more of ["", "\nenum E { a }"]) {
      const { traceback } = await ts(code + more);
      expect(traceback).toMatch(/at f \(cell-\d+\.js:5:8\)\n\s+at cell-\d+\.js:7:1$/);
    }
    const { error, traceback } = await ts("let ok = 1;\nlet x: number = ;");
    expect(error).toMatch(/^SyntaxError: /);
    expect(traceback).toMatch(/^cell-\d+\.js:2\nlet x: number = ;\n {16}\^\nSyntaxError: /);
  });

  test("an object literal, though it may look like a block", async () => {
    expect((await ts("{ a: 1 as number, b: 2 } // note")).json).toEqual({ a: 1, b: 2 });
    expect((await ts("{ let a: number = 1; a }")).text).toBe("1");
  });
});

describe("what a cell starts", () => {
  test.for([
    [
      "a call that is not awaited",
      "const sleep = (ms) => new Promise((go) => setTimeout(go, ms));\nasync function main() { for (const i of [1, 2]) { await sleep(30); console.log('done', i) } }\nmain(); 5",
    ],
    [
      "timers",
      "setTimeout(() => { console.log('done'); setTimeout(() => console.log('done 2'), 30) }, 30); 5",
    ],
    [
      "an interval that ends",
      "let i = 0; const timer = setInterval(() => { console.log('done', ++i); if (i === 2) clearInterval(timer) }, 20); 5",
    ],
    [
      "a program",
      "require('child_process').exec('sleep 0.1; echo done 2', (_, out) => console.log(out)); 5",
    ],
    ["files", "require('fs').readFile('module.mjs', () => console.log('done 2')); 5"],
    [
      "a request",
      "const http = require('http'); const server = http.createServer((_, answer) => setTimeout(() => answer.end('done 2'), 50)).listen(0, () => http.get({ port: server.address().port }, (got) => got.on('data', (text) => console.log(String(text))))); 5",
    ],
    [
      "a fetch",
      "server.closeIdleConnections(); fetch(`http://localhost:${server.address().port}`).then((got) => got.text()).then(console.log); 5",
    ],
  ])("ends first: %s", async ([, code]) => {
    const { text, stdout, stderr } = await js(code!);
    expect(stderr).toBe("");
    expect(text).toBe("5");
    expect(stdout).toMatch(/done( 2)?\n+$/);
    expect(stdout).toMatch(/2\n+$|^done\n$/);
  });

  test("a server does not keep its cell open", async () => {
    const { text } = await js(
      "const net = require('net'); net.createServer().listen(0); 'listens'",
    );
    expect(text).toBe("listens");
    await js("server.close()");
  });

  test.for([
    ["a short period", "const NAME = setInterval(() => {}, 10); 7"],
    ["a long one", "const NAME = setInterval(() => {}, 60_000); 7"],
    [
      "as an iterator",
      "let NAME = require('timers/promises').setInterval(10); (async () => { for await (const _ of NAME); })(); 7",
    ],
  ])("nobody waits long for a timer that repeats: %s", async ([, code]) => {
    const name = `n${Math.random().toString(36).slice(2)}`;
    const ended = js(code!.replaceAll("NAME", name));
    // Before the cell would end by itself, after ten seconds.
    const interrupted = setTimeout(() => javascript.interrupt(), 9_000);
    expect(await ended).toMatchObject({ text: "7" });
    expect((await ended).error).toBe(undefined);
    clearTimeout(interrupted);
    await js(`${name}.return?.() ?? clearInterval(${name})`);
  });

  test("an interrupt ends the wait", async () => {
    const outcome = await run(javascript, "setTimeout(() => {}, 60_000); console.log('x')", () =>
      javascript.interrupt(),
    );
    expect(outcome.error).toMatch(/^Interrupted/);
  });

  test("an interrupt that comes seconds before its cell begins is not lost", async () => {
    const block = `require("node:child_process").spawnSync("sh", ["-c", "trap '' INT; sleep 4"])`;
    const blockSoon = `const once = setInterval(() => { clearInterval(once); ${block} }, 100).unref(); 6`;
    expect((await js(blockSoon)).text).toBe("6");
    await new Promise((resolve) => setTimeout(resolve, 500));
    const running = js("while (true);");
    javascript.interrupt();
    expect((await running).error).toMatch(/^Interrupted/);
  });

  test("a cell that is interrupted does not go on when what held it up is stopped", async () => {
    const block = "globalThis.heldUp = 1; setTimeout(() => { for (;;); }, 300).unref(); 6";
    expect((await js(block)).text).toBe("6");
    const running = js("await new Promise((go) => setTimeout(go, 400)); heldUp = 2");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    javascript.interrupt();
    expect((await running).error).toMatch(/^Interrupted/);
    expect((await js("heldUp")).text).toBe("1");
  });

  test("what goes on is kept, and heard by the next cell", async () => {
    const ticker =
      "let ticks = 0; const ticker = setInterval(() => console.log(++ticks), 10).unref(); 6";
    expect((await js(ticker)).text).toBe("6");
    const wait =
      "while (ticks < 3) await new Promise((go) => setTimeout(go, 10)); clearInterval(ticker)";
    expect((await js(wait)).stdout).toMatch(/^1\n2\n3\n/);
  });
});

describe("results", () => {
  test("an object literal with remarks", async () => {
    for (const code of ["{ a: 1 } // note", "// note\n{ a: 1 }", "/* note */ { a: 1 }"])
      expect((await js(code)).json).toEqual({ a: 1 });
    expect((await js("{ a: 1 };")).text).toBe("1");
  });

  test("big integers", async () => {
    expect((await js("10n ** 20n")).text).toBe("100000000000000000000n");
    const { text, json } = await js("({ small: 10n, large: [2n ** 64n] })");
    expect(text).toBe("{ small: 10n, large: [ 18446744073709551616n ] }");
    expect(json).toEqual({ small: 10, large: ["18446744073709551616"] });
  });

  test("timers, servers and processes are shown in short", async () => {
    expect((await js("setTimeout(() => {}, 1)")).text).toBe("Timeout {}");
    expect((await js("setImmediate(() => {})")).text).toBe("Immediate {}");
    for (const code of [
      "require('http').createServer()",
      "require('child_process').spawn('true')",
    ]) {
      const { text } = await js(code);
      expect(text).toMatch(/^(?:Server|ChildProcess) \{/);
      expect(text!.length).toBeLessThan(800);
    }
  });
});
