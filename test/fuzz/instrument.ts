// Counts which parts of our own source run: each file below packages/*/src is loaded with a counter in every branch.
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { parse, type Node } from "acorn";

const OURS = /\/packages\/[a-z-]+\/src\/.*\.ts$/;
const EDGES = 65_536;

/** How often each step from one branch to the next was made by the last input, and which were made at all. */
const counts: Uint8Array = new Uint8Array(EDGES);
const touched: number[] = [];
let previous = 0;
let branches = 0;

/** The counter that every branch calls. */
function reach(branch: number): void {
  const edge = (branch ^ previous) & (EDGES - 1);
  previous = branch >> 1;
  const count = counts[edge]!;
  if (count === 0) touched.push(edge);
  if (count < 255) counts[edge] = count + 1;
}

/** What has been reached since the last call: steps, each with how often, in powers of two. */
export function takeCoverage(): number[] {
  const seen = touched.map((edge) => (edge << 4) | (32 - Math.clz32(counts[edge]!)));
  for (const edge of touched) counts[edge] = 0;
  touched.length = 0;
  previous = 0;
  return seen;
}

/** Everything that is imported after this is counted. Words of the source are added to `words`. */
export function countBranches(words: Set<string>): void {
  (globalThis as { fuzzReach?: typeof reach }).fuzzReach = reach;
  registerHooks({
    load(url, context, next) {
      if (!OURS.test(url)) return next(url, context);
      const text = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
      return { format: "module", source: instrument(text, words), shortCircuit: true };
    },
  });
}

interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly closes: boolean;
}

type AnyNode = Node & Record<string, unknown>;

/** The numbers are spread: what is near in the source is not near in what is counted. */
const call = (): string => `fuzzReach(${(Math.imul(++branches, 0x9e3779b1) >>> 8) & 0xffff})`;

function instrument(source: string, words: Set<string>): string {
  const insertions: Insertion[] = [];
  const put = (at: number, text: string, closes = false): void =>
    void insertions.push({ at, text, closes });
  const expression = (node: AnyNode): void => {
    put(node.start, `(${call()}, (`);
    put(node.end, "))", true);
  };
  const statement = (node: AnyNode | null | undefined): void => {
    if (!node || node.type === "BlockStatement") return;
    put(node.start, `{${call()};`);
    put(node.end, "}", true);
  };
  const visit = (node: AnyNode): void => {
    if (node.type === "BlockStatement") put(node.start + 1, `${call()};`);
    else if (node.type === "ArrowFunctionExpression" && node["expression"] === true)
      expression(node["body"] as AnyNode);
    else if (node.type === "ConditionalExpression") {
      expression(node["consequent"] as AnyNode);
      expression(node["alternate"] as AnyNode);
    } else if (node.type === "LogicalExpression") expression(node["right"] as AnyNode);
    else if (node.type === "IfStatement") {
      statement(node["consequent"] as AnyNode);
      statement(node["alternate"] as AnyNode | null);
    } else if (/^(For|While|DoWhile)/.test(node.type)) statement(node["body"] as AnyNode);
    else if (node.type === "SwitchCase") {
      const [first] = node["consequent"] as AnyNode[];
      if (first) put(first.start, `${call()};`);
    } else if (node.type === "Literal" && typeof node["value"] === "string") {
      const { length } = node["value"];
      if (length > 0 && length <= 40) words.add(node["value"]);
    }
    for (const part of Object.values(node).flat()) {
      if (typeof part === "object" && part !== null && "type" in part) visit(part as AnyNode);
    }
  };
  visit(parse(source, { ecmaVersion: "latest", sourceType: "module" }) as Node as AnyNode);
  return apply(source, insertions);
}

/** What closes at a place comes before what opens there; the inner closes first, the outer opens first. */
function apply(source: string, insertions: readonly Insertion[]): string {
  const places = new Map<number, { opens: string; closes: string }>();
  for (const { at, text, closes } of insertions) {
    const place = places.get(at) ?? { opens: "", closes: "" };
    if (closes) place.closes = text + place.closes;
    else place.opens += text;
    places.set(at, place);
  }
  let result = "";
  let from = 0;
  for (const [at, { opens, closes }] of [...places].toSorted(([a], [b]) => a - b)) {
    result += source.slice(from, at) + closes + opens;
    from = at;
  }
  return result + source.slice(from);
}
