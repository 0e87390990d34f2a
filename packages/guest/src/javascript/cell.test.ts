import { expect, test } from "vitest";
import { asExpression, IMPORTER as I, prepare } from "./cell.ts";
import { type Names, NO_NAMES } from "./declarations.ts";

const cases: Record<string, readonly [string, string]> = {
  "plain code": ["a = 1; a", "a = 1; a"],
  "a constant": ["const a = 1; a", "let   a = 1; a"],
  "a default import": [
    "import a from 'b'",
    `let { default: a } = await ${I}.having('default')('b');`,
  ],
  "named imports": [
    "import { a, b as c } from 'd';",
    `let { a: a, b: c } = await ${I}.having('a', 'b')('d');`,
  ],
  "a namespace": ["import * as a from 'b';", `let a = await ${I}('b');`],
  both: [
    "import a, * as b from 'c';",
    `let b = await ${I}.having('default')('c'), { default: a } = b;`,
  ],
  "an import for its effects": ["import 'a';", `await ${I}('a');`],
  attributes: [
    "import a from 'b' with { type: 'json' };",
    `let { default: a } = await ${I}.having('default')('b', { with: { type: 'json' } });`,
  ],
  "an import over lines": [
    "import {\n  a,\n} from 'b';\na",
    `let { a: a } = await ${I}.having('a')('b');\n\n\na`,
  ],
  "a dynamic import": ["a = await import('b')", `a = await ${I}('b')`],
  "import.meta": ["import.meta.url", `${I}.meta.url`],
  exports: ["export let a = 1;\nexport default a;", "let a = 1;\n(a);"],
  "a default export without a name": ["export default { a: 1 };", "({ a: 1 });"],
  "a default function without a name": ["export default function () {}", "(function () {});"],
  "the word in a text": ["'import x from y'", "'import x from y'"],
  "code that is wrong": ["import {", "import {"],
  "an assignment to a constant": [
    "const a = 1; a = 2; { let a; a = 3 } ((a) => a++)(); [a] = [1]; ({ a } = {}); a++",
    `let   a = 1; ${I}.constant.a = 2; { let a; a = 3 } ((a) => a++)(); [${I}.constant.a] = [1]; ({ a: ${I}.constant.a } = {}); ${I}.constant.a++`,
  ],
};

function names(known: Partial<Names> = {}): Names {
  return { ...NO_NAMES, constants: new Set(), ...known };
}

test.for(Object.entries(cases))("%s", ([, [code, prepared]]) => {
  expect(prepare(code, names())).toEqual({ code: prepared });
});

test("names that V8 has as variables", () => {
  const known = names({
    isLexical: (name) => /^[abf]$/.test(name),
    isDead: (name) => name === "b",
  });
  expect(
    prepare("var a = 1, c;\nfor (var b of [1]);\nfunction f() {\n  return a; }\nf()", known),
  ).toEqual({
    code: "void( a = 1, c);\nfor (    b of [1]);\n\n\nf()",
    before: "var c;\n\nf = function f() {\n  return a; };",
    dead: ["b"],
  });
});

test("names that V8 has as properties of the global object", () => {
  const known = names({ isFixed: (name) => name === "f" });
  expect(prepare("const { f, g } = o; let h", known).code).toBe("var   { f, g } = o; let h");
  expect(prepare("let x, f;", known).code).toBe("var x = undefined, f = undefined;");
  expect(prepare("class f {}\n(1)", known).code).toBe("var f = class f {};\n(1)");
  expect(prepare("import f from 'm'", known).code).toMatch(/^var { default: f } = /);
});

test("an object literal, with remarks around it", () => {
  for (const code of ["{ a: 1 }", " // note\n{ a: 1 } // note", "/* { */ { a: 1 }"])
    expect(asExpression(code)).toBe(`(${code}\n)`);
  expect(asExpression("a; { a: 1 }")).toBeUndefined();
});
