import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { layers, wrongImports } from "./layers.ts";

test("an import that points upwards is found, of a type too", () => {
  const source = mkdtempSync(join(tmpdir(), "emberbox-layers-"));
  onTestFinished(() => rmSync(source, { recursive: true }));
  const files = {
    "low/a.ts": `import type { B } from "../high/b.ts";\nexport type { C } from "../high/c.ts";\n`,
    "low/d.ts": `import {\n  e,\n} from "./deep/e.ts";\nexport type F = import("../index.ts").F;\n`,
    "low/deep/e.ts": `await import("../../high/b.ts");\nimport "../../elsewhere/g.ts";\n`,
    "low/a.test.ts": `import { b } from "../high/b.ts";\n`,
    "low/testing/h.ts": `import { b } from "../../high/b.ts";\n`,
    "high/b.ts": `import { d } from "../low/d.ts";\nimport { c } from "./c.ts";\n`,
    "index.ts": `export { b } from "./high/b.ts";\n`,
    "named.ts": `import { d } from "./low/d.ts";\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), text);
  }
  expect(wrongImports(source, ["named.ts", "low", "high", "*.ts"])).toEqual([
    "low/a.ts: ../high/b.ts",
    "low/a.ts: ../high/c.ts",
    "low/d.ts: ../index.ts",
    "low/deep/e.ts: ../../high/b.ts",
    "low/deep/e.ts: ../../elsewhere/g.ts",
    "named.ts: ./low/d.ts",
  ]);
});

test("ARCHITECTURE.md has the engine's layers as lint has them", () => {
  const text = readFileSync(join(import.meta.dirname, "../ARCHITECTURE.md"), "utf8");
  const folders = layers.microvm.filter((each) => each !== "*.ts");
  expect(text).toContain(folders.map((each) => `\`${each}\``).join(", "));
});
