import { parse, type Node } from "acorn";
import { transform } from "sucrase";

/** The name through which cells reach `import` and `import.meta`, which V8 does not give to evaluated code. */
export const IMPORTER = "__emberbox_import__";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type SomeNode = Node & Record<string, unknown>;

/** Turns a cell's code into what V8's REPL mode evaluates; all lines keep their numbers. */
export function prepare(code: string, isTypeScript: boolean): string {
  const plain = isTypeScript ? withoutTypes(code) : code;
  if (/\b(?:import|export)\b/.test(plain)) return withoutModuleSyntax(plain);
  return /^\s*\{/.test(plain) ? asExpression(plain) : plain;
}

function withoutTypes(code: string): string {
  // Names that one cell imports may only be used by the next.
  return transform(code, {
    transforms: ["typescript"],
    disableESTransforms: true,
    keepUnusedImports: true,
  }).code;
}

/** A cell that consists of one object literal is meant as that, not as a block. */
function asExpression(code: string): string {
  const wrapped = `(${code.trimEnd()})`;
  if (/;\s*$/.test(code)) return code;
  try {
    parse(wrapped, { ecmaVersion: "latest", allowAwaitOutsideFunction: true });
    return wrapped;
  } catch {
    return code;
  }
}

/** Turns static imports into awaited dynamic ones, and exports into plain declarations. */
function withoutModuleSyntax(code: string): string {
  let program: Node;
  try {
    program = parse(code, { ecmaVersion: "latest", sourceType: "module" });
  } catch {
    // V8 will say what is wrong with it.
    return code;
  }
  const edits: Edit[] = [];
  collect(program as SomeNode, code, edits);
  edits.sort((a, b) => b.start - a.start);
  let text = code;
  for (const edit of edits) {
    const lines =
      code.slice(edit.start, edit.end).split("\n").length - edit.text.split("\n").length;
    text =
      text.slice(0, edit.start) +
      edit.text +
      "\n".repeat(Math.max(0, lines)) +
      text.slice(edit.end);
  }
  return text;
}

function collect(node: SomeNode, code: string, edits: Edit[]): void {
  const edit = editOf(node, code);
  if (edit !== undefined) edits.push(edit);
  if (node.type === "ImportDeclaration") return;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof (child as SomeNode | null)?.type === "string")
        collect(child as SomeNode, code, edits);
  }
}

function editOf(node: SomeNode, code: string): Edit | undefined {
  const { start, end } = node;
  const replace = (text: string): Edit => ({ start, end, text });
  switch (node.type) {
    case "ImportDeclaration":
      return replace(importStatement(node, code));
    case "ImportExpression":
      return { start, end: start + "import".length, text: IMPORTER };
    case "MetaProperty":
      return code.startsWith("import", start) ? replace(`${IMPORTER}.meta`) : undefined;
    case "ExportAllDeclaration":
      return replace(`await ${IMPORTER}(${sourceOf(node, code)});`);
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration": {
      const inner = node["declaration"] as SomeNode | null;
      if (inner !== null) return { start, end: inner.start, text: "" };
      return replace(node["source"] ? `await ${IMPORTER}(${sourceOf(node, code)});` : "");
    }
    default:
      return undefined;
  }
}

function importStatement(node: SomeNode, code: string): string {
  const names: string[] = [];
  const wanted: string[] = [];
  let whole: string | undefined;
  for (const specifier of node["specifiers"] as SomeNode[]) {
    const local = textOf(specifier["local"], code);
    if (specifier.type === "ImportNamespaceSpecifier") whole = local;
    else {
      const isDefault = specifier.type === "ImportDefaultSpecifier";
      const name = isDefault ? "default" : textOf(specifier["imported"], code);
      names.push(`${name}: ${local}`);
      wanted.push(/^['"]/.test(name) ? name : `'${name}'`);
    }
  }
  const demand = wanted.length > 0 ? `.having(${wanted.join(", ")})` : "";
  const module = `await ${IMPORTER}${demand}(${sourceOf(node, code)})`;
  const fields = `{ ${names.join(", ")} }`;
  if (whole !== undefined)
    return `const ${whole} = ${module}${names.length > 0 ? `, ${fields} = ${whole}` : ""};`;
  return names.length > 0 ? `const ${fields} = ${module};` : `${module};`;
}

/** The module that is imported, and with which attributes. */
function sourceOf(node: SomeNode, code: string): string {
  const attributes = ((node["attributes"] as SomeNode[] | undefined) ?? []).map((one) =>
    textOf(one, code),
  );
  const source = textOf(node["source"], code);
  return attributes.length > 0 ? `${source}, { with: { ${attributes.join(", ")} } }` : source;
}

function textOf(node: unknown, code: string): string {
  const { start, end } = node as Node;
  return code.slice(start, end);
}
