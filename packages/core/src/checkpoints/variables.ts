import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { runCode } from "../interpreter/run-code.ts";
import type { SandboxConnection, SignalOptions } from "../provider.ts";

export type Variables = ReadonlyMap<string, Variable>;

interface Variable {
  readonly type: string;
  /** Its `repr`, shortened. */
  readonly text: string;
  readonly digest: string;
}

const MAX_VARIABLES = 10_000;
const LIMIT_MS = 60_000;

const answer = z
  .array(z.tuple([z.string().max(500), z.string().max(500), z.string().max(500), z.string()]))
  .max(MAX_VARIABLES);

/** Equal objects of two copies of a machine are pickled alike; what cannot be pickled is compared by its text. */
const CODE = String.raw`
def __compared(space):
    import hashlib, json, pickle, reprlib, types
    short = reprlib.Repr()
    short.maxstring = short.maxother = 120
    found = []
    for name, value in list(space.items()):
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        if name in ("In", "Out", "exit", "quit", "get_ipython"):
            continue
        try:
            text = short.repr(value)[:400]
        except BaseException as error:
            text = "repr failed: " + type(error).__name__
        kind = type(value)
        kind = kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__
        try:
            if isinstance(value, types.FunctionType):
                whole = repr((value.__code__.co_code, value.__code__.co_consts, value.__code__.co_names)).encode()
            else:
                whole = pickle.dumps(value, 5)
        except BaseException:
            whole = text.encode("utf8", "replace")
        found.append([name[:400], kind[:400], text, hashlib.sha256(whole).hexdigest()])
        if len(found) == ${MAX_VARIABLES}:
            break
    print(json.dumps(found))
__compared(globals())
del __compared
`;

/** The variables of Python's default context; `undefined` where there are none to be had: no Python, or it is busy. */
export async function readVariables(
  connection: SandboxConnection,
  { signal }: SignalOptions,
): Promise<Variables | undefined> {
  try {
    const { logs, error } = await runCode(connection, CODE, { timeoutMs: LIMIT_MS, signal });
    if (error) return undefined;
    const parsed = answer.safeParse(JSON.parse(logs.stdout.join("")));
    if (!parsed.success) return undefined;
    return new Map(parsed.data.map(([name, type, text, digest]) => [name, { type, text, digest }]));
  } catch (error) {
    signal?.throwIfAborted();
    if (EmberboxError.isInstance(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
