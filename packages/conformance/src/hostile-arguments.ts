import type { SandboxProvider } from "@emberbox/core/provider";

/** Values that no id, name, number, port or set of options may have. */
const strings = [
  "",
  ".",
  "..",
  "../../x",
  "a/../../../../tmp/x",
  "/etc/passwd",
  "a\0b",
  "a\nb",
  "a b",
  "\ud800",
  "%2e%2e",
  "ä",
  "'; DROP TABLE sandboxes; --",
  "x".repeat(1024 * 1024),
];
const notStrings: unknown[] = [undefined, null, 1, true, {}, [], ["a"], { toString: () => "a" }];
const notCounts: unknown[] = [0, -1, 1.5, NaN, Infinity, 2 ** 31, "1", {}, [1], null];
const notOptions: unknown[] = [
  1,
  "x",
  true,
  [],
  { unknown: 1 },
  JSON.parse('{"a": {"__proto__": 1}}'),
];
const notNames: unknown[] = [...strings, ...notStrings.slice(1), "-a", ".a", "__proto__"];

type Call = readonly [what: string, call: () => unknown];

/** Calls to every method of a provider, each with one argument that it must reject; `id` is a running sandbox. */
export function hostileCalls(provider: SandboxProvider, id: string): Call[] {
  // Calls the methods as an untyped program would.
  const untyped = provider as unknown as Record<string, (...of: unknown[]) => Promise<unknown>>;
  const calls: Call[] = [];
  const add = (method: string, ...of: unknown[]): void => {
    if (untyped[method] === undefined) return;
    calls.push([`${method}(${of.map(describe).join(", ")})`, () => untyped[method]!(...of)]);
  };
  const methods = [
    "connect",
    "getInfo",
    "kill",
    "pause",
    "createSnapshot",
    "fork",
    "createCheckpoint",
    "getNetworkLog",
  ];
  for (const bad of [...strings, ...notStrings]) {
    for (const method of methods) add(method, bad);
    add("setTimeout", bad, 1000);
    add("updateNetwork", bad, true);
    add("deleteSnapshot", bad);
    for (const method of ["rollback", "branch", "deleteCheckpoint"]) {
      add(method, bad, "cany");
      add(method, id, bad);
    }
    add("addressesOf", bad, true);
  }
  for (const bad of notNames) {
    add("createSnapshot", id, { name: bad });
    add("create", { envs: { A: "1" }, template: bad === "-a" ? "" : bad });
  }
  for (const bad of strings) add("listSnapshots", { sandboxId: bad });
  for (const bad of notCounts) {
    add("setTimeout", id, bad);
    add("fork", id, { count: bad });
    add("branch", id, "cany", { count: bad });
    add("createCheckpoint", id, { keep: { last: bad } });
    for (const method of ["create", "connect", "fork"]) {
      const options = { timeoutMs: bad };
      if (method === "create") add(method, options);
      else add(method, id, options);
    }
  }
  for (const bad of [101, 1e9]) add("fork", id, { count: bad });
  for (const bad of notOptions) {
    for (const method of ["connect", "pause", "createSnapshot", "fork", "createCheckpoint"])
      add(method, id, bad);
    for (const method of ["rollback", "branch", "deleteCheckpoint"]) add(method, id, "cany", bad);
    for (const method of ["create", "prepare", "listSnapshots"]) add(method, bad);
    add("deleteSnapshot", "anything", bad);
    add("updateNetwork", id, bad === true ? "yes" : bad);
  }
  for (const bad of [{ onResume: "x" }, { signal: {} }]) add("connect", id, bad);
  for (const bad of [{ keepMemory: "no" }, { signal: 1 }]) add("pause", id, bad);
  for (const bad of [{ metadata: { a: 1 } }, { envs: { "A=B": "" } }, { envs: { A: "\0" } }])
    add("create", bad);
  return calls;
}

/** Values that are not ports. */
export const notPorts: readonly unknown[] = [0, -1, 1.5, 65_536, NaN, "80", "80/../x", null, {}];

function describe(value: unknown): string {
  return (typeof value === "object" ? JSON.stringify(value) : String(value)).slice(0, 60);
}
