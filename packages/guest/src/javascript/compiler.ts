import { createRequire } from "node:module";

/** What cells need of TypeScript's compiler. */
export interface Compiler {
  transpileModule(
    code: string,
    options: { fileName: string; reportDiagnostics: boolean; compilerOptions: object },
  ): { readonly outputText: string; readonly diagnostics?: readonly Diagnostic[] };
  flattenDiagnosticMessageText(text: unknown, newLine: string): string;
  readonly ScriptTarget: { readonly ES2022: number };
  readonly ModuleKind: { readonly ESNext: number };
}

interface Diagnostic {
  readonly file?: {
    getLineAndCharacterOfPosition(place: number): { line: number; character: number };
  };
  readonly start?: number;
  readonly messageText: unknown;
}

/** Large, and seldom needed: in the machine it is a file of its own, which is loaded on first use. */
export async function loadCompiler(): Promise<Compiler> {
  return createRequire(import.meta.url)("typescript") as Compiler;
}
