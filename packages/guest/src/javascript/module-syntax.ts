/** Module syntax in cells, which V8 does not give to evaluated code. */
import type { Node } from "acorn";
import type { Edit } from "./edits.ts";
import { childrenOf, type SomeNode } from "./scopes.ts";

/** The name through which cells reach `import` and `import.meta`. */
export const IMPORTER = "__emberbox_import__";

type Test = (name: string) => boolean;

/**
 * Turns static imports into awaited dynamic ones, and exports into plain declarations. Names for which V8 has a fixed
 * property of the global object stay there.
 */
export function moduleEdits(program: SomeNode, code: string, isFixed: Test): Edit[] {
  const edits: Edit[] = [];
  collect(program);
  return edits;

  function collect(node: SomeNode): void {
    edits.push(...editsOf(node, code, isFixed));
    if (node.type === "ImportDeclaration") return;
    for (const child of childrenOf(node)) collect(child);
  }
}

function editsOf(node: SomeNode, code: string, isFixed: Test): Edit[] {
  const { start, end } = node;
  const replace = (text: string): Edit[] => [{ start, end, text }];
  switch (node.type) {
    case "ImportDeclaration":
      return replace(importStatement(node, code, isFixed));
    case "ImportExpression":
      return [{ start, end: start + "import".length, text: IMPORTER }];
    case "MetaProperty":
      return code.startsWith("import", start) ? replace(`${IMPORTER}.meta`) : [];
    case "ExportAllDeclaration":
      return replace(`await ${IMPORTER}(${sourceOf(node, code)});`);
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration": {
      const inner = node["declaration"] as SomeNode | null;
      if (inner === null)
        return replace(node["source"] ? `await ${IMPORTER}(${sourceOf(node, code)});` : "");
      const word = { start, end: inner.start };
      if (!isAnonymous(inner)) return [{ ...word, text: "" }];
      return [
        { ...word, text: "(" },
        { start: inner.end, end: inner.end, text: code[end - 1] === ";" ? ")" : ");" },
      ];
    }
    default:
      return [];
  }
}

/** A default export without a name is an expression. */
function isAnonymous(inner: SomeNode): boolean {
  return inner.type !== "VariableDeclaration" && (inner["id"] ?? null) === null;
}

function importStatement(node: SomeNode, code: string, isFixed: Test): string {
  const names: string[] = [];
  const locals: string[] = [];
  const wanted: string[] = [];
  let whole: string | undefined;
  for (const specifier of node["specifiers"] as SomeNode[]) {
    const local = textOf(specifier["local"], code);
    locals.push(local);
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
  const kind = locals.some((name) => isFixed(name)) ? "var" : "let";
  if (whole !== undefined)
    return `${kind} ${whole} = ${module}${names.length > 0 ? `, ${fields} = ${whole}` : ""};`;
  return names.length > 0 ? `${kind} ${fields} = ${module};` : `${module};`;
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
