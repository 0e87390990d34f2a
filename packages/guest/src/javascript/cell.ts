import { parse, type Node } from "acorn";
import { declarationEdits, type Names, NO_NAMES } from "./declarations.ts";
import { type Edit, edited } from "./edits.ts";
import { moduleEdits } from "./module-syntax.ts";
import type { SomeNode } from "./scopes.ts";

export { IMPORTER } from "./module-syntax.ts";

/** What V8 evaluates; all lines keep their numbers. */
export interface Prepared {
  readonly code: string;
  /** Code that makes the functions that exist before the first line runs, for which V8 has another place already. */
  readonly before?: string;
  /** Names that have to be declared first: the code that did so before failed. */
  readonly dead?: readonly string[];
}

/** Turns a cell's JavaScript into what V8's REPL mode evaluates. */
export function prepare(code: string, names: Names = NO_NAMES): Prepared {
  if (
    !/\b(?:import|export|const|let|var|class|function)\b/.test(code) &&
    names.constants.size === 0
  )
    return { code };
  const program = parsed(code);
  // V8 will say what is wrong with it.
  if (program === undefined) return { code };
  const { edits, hoisted, dead, before } = declarationEdits(program, code, names);
  const all = [...edits, ...moduleEdits(program, code, (name) => names.isFixed(name))];
  const isOutside = (edit: Edit): boolean =>
    !hoisted.some(({ start, end }) => start <= edit.start && edit.end <= end);
  const blanks = hoisted.map(({ start, end }) => ({ start, end, text: "" }));
  const functions = hoisted.map(({ name, start, end }) => {
    const text = edited(code, all, start, end);
    return { name, text, line: code.slice(0, start).split("\n").length };
  });
  let first = before.join("");
  for (const { name, text, line } of functions) {
    first += "\n".repeat(Math.max(0, line - first.split("\n").length));
    first += `${name} = ${text};`;
  }
  const rest = edited(code, [...all.filter(isOutside), ...blanks]);
  return { code: rest, ...(first !== "" && { before: first }), ...(dead.length > 0 && { dead }) };
}

/** A cell that consists of one object literal is meant as that, not as a block. */
export function asExpression(code: string): string | undefined {
  if (!/^(?:\s|\/\/.*|\/\*[^]*?\*\/)*\{/.test(code)) return undefined;
  // A remark may end the code.
  return `(${code}\n)`;
}

export function isProgram(code: string): boolean {
  return parsed(code) !== undefined;
}

function parsed(code: string): SomeNode | undefined {
  try {
    const program: Node = parse(code, {
      ecmaVersion: "latest",
      allowAwaitOutsideFunction: true,
      allowImportExportEverywhere: true,
    });
    return program as SomeNode;
  } catch {
    return undefined;
  }
}
