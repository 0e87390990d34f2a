import { expect, test } from "vitest";
import { IMPORTER as I, prepare } from "./cell.ts";

const cases: Record<string, readonly [string, string]> = {
  "plain code": ["const a = 1; a", "const a = 1; a"],
  "an object literal": ["{ a: 1 }", "({ a: 1 })"],
  "a block": ["{ let a = 1; a }", "{ let a = 1; a }"],
  "a default import": [
    "import a from 'b'",
    `const { default: a } = await ${I}.having('default')('b');`,
  ],
  "named imports": [
    "import { a, b as c } from 'd';",
    `const { a: a, b: c } = await ${I}.having('a', 'b')('d');`,
  ],
  "a namespace": ["import * as a from 'b';", `const a = await ${I}('b');`],
  both: [
    "import a, * as b from 'c';",
    `const b = await ${I}.having('default')('c'), { default: a } = b;`,
  ],
  "an import for its effects": ["import 'a';", `await ${I}('a');`],
  attributes: [
    "import a from 'b' with { type: 'json' };",
    `const { default: a } = await ${I}.having('default')('b', { with: { type: 'json' } });`,
  ],
  "an import over lines": [
    "import {\n  a,\n} from 'b';\na",
    `const { a: a } = await ${I}.having('a')('b');\n\n\na`,
  ],
  "a dynamic import": ["const a = await import('b')", `const a = await ${I}('b')`],
  "import.meta": ["import.meta.url", `${I}.meta.url`],
  exports: ["export const a = 1;\nexport default a;", "const a = 1;\na;"],
  "the word in a text": ["'import x from y'", "'import x from y'"],
  "code that is wrong": ["import {", "import {"],
};

test.for(Object.entries(cases))("%s", ([, [code, prepared]]) => {
  expect(prepare(code, false)).toBe(prepared);
});

test("types are taken away, and lines keep their numbers", () => {
  const code = "interface P {\n  a: number;\n}\nconst p: P = { a: 1 } as P;\np!.a";
  expect(prepare(code, true).split("\n")[4]!.trim()).toBe("p.a");
});
