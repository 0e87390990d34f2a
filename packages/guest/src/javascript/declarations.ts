/** Declares names again, in whatever way they were declared before. V8 allows that for `let` after `let` only. */
import type { Edit } from "./edits.ts";
import { IMPORTER } from "./module-syntax.ts";
import { assignmentsIn, isDeclaration, namesOf, type SomeNode, variablesIn } from "./scopes.ts";

/** What earlier cells declared. */
export interface Names {
  /** Those that may not be assigned to. For V8 they are variables, because it keeps a constant for ever. */
  readonly constants: Set<string>;
  /** Declared with `let`, as far as V8 knows. */
  isLexical(name: string): boolean;
  /** A property of the global object that cannot be removed, as V8 makes them for `var` and functions. */
  isFixed(name: string): boolean;
  /** Declared, but the code that was to give it a value failed. */
  isDead(name: string): boolean;
  /** Enums and namespaces, which are made anew. */
  readonly merged?: readonly string[] | undefined;
}

export const NO_NAMES: Names = {
  constants: new Set(),
  isLexical: () => false,
  isFixed: () => false,
  isDead: () => false,
};

export interface Declarations {
  readonly edits: readonly Edit[];
  /** Functions whose names V8 has as variables. */
  readonly hoisted: readonly {
    readonly name: string;
    readonly start: number;
    readonly end: number;
  }[];
  readonly dead: readonly string[];
  readonly before: readonly string[];
}

export function declarationEdits(program: SomeNode, code: string, names: Names): Declarations {
  const edits: Edit[] = [];
  const hoisted: Declarations["hoisted"][number][] = [];
  const again = new Set<string>();
  const before: string[] = [];
  for (const statement of program["body"] as SomeNode[]) {
    const inner = statement["declaration"] as SomeNode | null | undefined;
    const node = statement.type.startsWith("Export") && inner ? inner : statement;
    if (node.type === "ImportDeclaration")
      for (const specifier of node["specifiers"] as SomeNode[])
        names.constants.add((specifier["local"] as SomeNode)["name"] as string);
    if (!isDeclaration(node) || node["kind"] === "var") continue;
    const own = namesOf(node);
    for (const name of own) {
      if (node["kind"] === "const") names.constants.add(name);
      else names.constants.delete(name);
    }
    if (node.type === "VariableDeclaration") edits.push(...lexicalEdits(node, own, names));
    const [name] = own;
    if (name === undefined) continue;
    if (node.type === "ClassDeclaration" && names.isFixed(name)) {
      edits.push({ start: node.start, end: node.start, text: `var ${name} = ` });
      edits.push({ start: node.end, end: node.end, text: ";" });
    }
    if (node.type === "FunctionDeclaration" && names.isLexical(name)) {
      hoisted.push({ name, start: node.start, end: node.end });
      again.add(name);
    }
  }
  for (const { declaration, parent } of variablesIn(program)) {
    const own = namesOf(declaration);
    for (const name of own) {
      names.constants.delete(name);
      if (names.merged?.includes(name) && (names.isLexical(name) || names.isFixed(name))) {
        before.push(`${name} = undefined;`);
        again.add(name);
      }
    }
    if (!own.some((name) => names.isLexical(name))) continue;
    for (const name of own) {
      if (names.isLexical(name)) again.add(name);
      else before.push(`var ${name};`);
    }
    edits.push(...assignmentInstead(declaration, parent, code));
  }
  if (names.constants.size > 0)
    for (const { node, name, inShorthand } of assignmentsIn(program, new Set())) {
      if (!names.constants.has(name)) continue;
      const text = `${inShorthand ? `${name}: ` : ""}${IMPORTER}.constant.${name}`;
      edits.push({ start: node.start, end: node.end, text });
    }
  return { edits, hoisted, before, dead: [...again].filter((name) => names.isDead(name)) };
}

function* lexicalEdits(node: SomeNode, own: readonly string[], names: Names): Generator<Edit> {
  const kind = node["kind"] as string;
  if (kind !== "let" && kind !== "const") return;
  const isFixed = own.some((name) => names.isFixed(name));
  const text = (isFixed ? "var" : "let").padEnd(kind.length);
  if (text !== kind) yield { start: node.start, end: node.start + kind.length, text };
  if (!isFixed) return;
  for (const one of node["declarations"] as SomeNode[])
    if (one["init"] === null) yield { start: one.end, end: one.end, text: " = undefined" };
}

/** The names are there: they are only given their values. */
function assignmentInstead(node: SomeNode, parent: SomeNode, code: string): Edit[] {
  const keyword = { start: node.start, end: node.start + "var".length };
  if (parent.type.startsWith("For") && parent["body"] !== node)
    return [{ ...keyword, text: "   " }];
  const end = code[node.end - 1] === ";" ? node.end - 1 : node.end;
  return [
    { ...keyword, text: "void(" },
    { start: end, end, text: end === node.end ? ");" : ")" },
  ];
}
