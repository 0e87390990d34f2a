/** TypeScript as JavaScript. Types are never checked. */
import { SourceMap, stripTypeScriptTypes } from "node:module";
import { loadCompiler } from "./compiler.ts";

export interface Stripped {
  readonly code: string;
  /** Where the code comes from, unless everything is where it was. */
  readonly map?: SourceMap;
  /** Names of enums and namespaces, which their code would otherwise add to. */
  readonly merged?: readonly string[];
}

type Place = readonly [line: number, column: number];

const places = new WeakMap<object, Place>();

/** Where the mistake is that an error speaks of, from 0. */
export function placeOf(error: unknown): Place | undefined {
  return error instanceof Error ? places.get(error) : undefined;
}

function mistake(message: string, ...place: Place): Error {
  const error = new SyntaxError(message);
  places.set(error, place);
  return error;
}

const MAP = /\n*\/\/# sourceMappingURL=data:application\/json;(?:charset=[\w-]+;)?base64,(\S+)\s*$/;

/**
 * Takes types away with what Node has built in, which leaves everything in its place; writes new code only for what is
 * more than types.
 *
 * @throws SyntaxError
 */
export function withoutTypes(code: string): Stripped {
  try {
    return { code: stripTypeScriptTypes(code) };
  } catch (error) {
    if (codeOf(error) !== "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") throw located(error);
  }
  try {
    return mapped(stripTypeScriptTypes(code, { mode: "transform", sourceMap: true }), code);
  } catch (error) {
    throw located(error);
  }
}

/** Decorators of the older kind were seen: they describe methods with this type. */
let isLegacy = false;

export function mayHaveDecorators(code: string): boolean {
  isLegacy ||= /\bPropertyDescriptor\b/.test(code);
  return /@[\w$(]/.test(code);
}

/** With decorators, which V8 does not know: for them TypeScript's own compiler is loaded. */
export async function withoutDecorators(code: string): Promise<Stripped> {
  const ts = await loadCompiler();
  const { outputText, diagnostics } = ts.transpileModule(code, {
    fileName: "cell.ts",
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      experimentalDecorators: isLegacy,
    },
  });
  const problem = diagnostics?.find(({ file }) => file !== undefined);
  if (problem?.file !== undefined) {
    const place = problem.file.getLineAndCharacterOfPosition(problem.start!);
    const message = ts.flattenDiagnosticMessageText(problem.messageText, "\n");
    throw mistake(message, place.line, place.character);
  }
  return mapped(outputText.replace(/^"use strict";/, ""), code);
}

function mapped(output: string, source: string): Stripped {
  const found = MAP.exec(output);
  const merged = [...source.matchAll(/\b(?:enum|namespace|module)\s+([\w$]+)/g)].map(
    ([, name]) => name!,
  );
  if (found === null) return { code: output, merged };
  const payload = JSON.parse(Buffer.from(found[1]!, "base64").toString()) as never;
  return { code: output.slice(0, found.index), map: new SourceMap(payload), merged };
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** Node says where the mistake is in front of the stack: a line's number, and the lines with a mark under one. */
function located(error: unknown): Error {
  if (!(error instanceof Error) || !(error instanceof SyntaxError)) return error as Error;
  const [, line] = /^\S*:(\d+)\n/.exec(error.stack ?? "") ?? [];
  const [, indentation = ""] = /\n( *)\^+\n/.exec(error.stack ?? "") ?? [];
  return mistake(error.message, Number(line ?? 1) - 1, indentation.length);
}
