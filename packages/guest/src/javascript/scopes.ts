/** Which names code declares, and which of those at the top it assigns to. */
import type { Node } from "acorn";

export type SomeNode = Node & Record<string, unknown>;

/** The node's children, in the order of the code. */
export function* childrenOf(node: SomeNode): Generator<SomeNode> {
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (typeof (child as SomeNode | null)?.type === "string") yield child as SomeNode;
}

function isFunction({ type }: SomeNode): boolean {
  return /Function/.test(type);
}

/** The identifiers that a pattern binds or assigns to, without members of objects. */
function* targetsOf(pattern: SomeNode | null, inShorthand = false): Generator<Target> {
  switch (pattern?.type) {
    case "Identifier":
      return yield { node: pattern, name: pattern["name"] as string, inShorthand };
    case "ObjectPattern":
      for (const property of pattern["properties"] as SomeNode[])
        yield* targetsOf(
          (property["value"] ?? property["argument"]) as SomeNode,
          property["shorthand"] === true,
        );
      return;
    case "ArrayPattern":
      for (const element of pattern["elements"] as (SomeNode | null)[]) yield* targetsOf(element);
      return;
    case "AssignmentPattern":
      return yield* targetsOf(pattern["left"] as SomeNode, inShorthand);
    case "RestElement":
      return yield* targetsOf(pattern["argument"] as SomeNode);
  }
}

export interface Target {
  readonly node: SomeNode;
  readonly name: string;
  /** It is also the name of the property. */
  readonly inShorthand: boolean;
}

export function namesOf(declaration: SomeNode): string[] {
  if (declaration.type !== "VariableDeclaration")
    return boundBy(declaration["id"] as SomeNode | null);
  return (declaration["declarations"] as SomeNode[]).flatMap(({ id }) => boundBy(id as SomeNode));
}

function boundBy(pattern: SomeNode | null): string[] {
  return Array.from(targetsOf(pattern), ({ name }) => name);
}

export interface Variables {
  readonly declaration: SomeNode;
  readonly parent: SomeNode;
}

/** Declarations with `var`, which belong to the function, or to the cell, that they are in. */
export function* variablesIn(node: SomeNode): Generator<Variables> {
  for (const child of childrenOf(node)) {
    if (child.type === "VariableDeclaration" && child["kind"] === "var")
      yield { declaration: child, parent: node };
    if (!isFunction(child) && child.type !== "StaticBlock") yield* variablesIn(child);
  }
}

/** Assignments to names at the top, which no function or block around them declares. */
export function* assignmentsIn(node: SomeNode, hidden: ReadonlySet<string>): Generator<Target> {
  const own = [...hidden, ...declaredBy(node)];
  const names = own.length > hidden.size ? new Set(own) : hidden;
  for (const target of assignedBy(node)) if (!names.has(target.name)) yield target;
  for (const child of childrenOf(node)) yield* assignmentsIn(child, names);
}

function* assignedBy(node: SomeNode): Generator<Target> {
  switch (node.type) {
    case "AssignmentExpression":
      // These assign only in some cases.
      if (!/^(?:&&|\|\||\?\?)=$/.test(node["operator"] as string))
        yield* targetsOf(node["left"] as SomeNode);
      return;
    case "UpdateExpression":
      return yield* targetsOf(node["argument"] as SomeNode);
    case "ForInStatement":
    case "ForOfStatement":
      return yield* targetsOf(node["left"] as SomeNode);
  }
}

/** What a node's scope declares. The cell's own declarations are not hidden by it. */
function declaredBy(node: SomeNode): string[] {
  if (isFunction(node)) {
    const names = (node["params"] as SomeNode[]).flatMap(boundBy);
    const variables = [...variablesIn(node)].flatMap(({ declaration }) => namesOf(declaration));
    const own = node.type === "FunctionExpression" ? namesOf(node) : [];
    return [...names, ...variables, ...own];
  }
  switch (node.type) {
    case "CatchClause":
      return boundBy(node["param"] as SomeNode | null);
    case "ClassExpression":
      return namesOf(node);
    case "BlockStatement":
    case "StaticBlock":
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "SwitchStatement":
      return Array.from(childrenOf(node))
        .flatMap((child) => (child.type === "SwitchCase" ? Array.from(childrenOf(child)) : child))
        .filter((child) => isDeclaration(child) && child["kind"] !== "var")
        .flatMap(namesOf);
    default:
      return [];
  }
}

export function isDeclaration({ type }: SomeNode): boolean {
  return /^(?:Variable|Class|Function)Declaration$/.test(type);
}
