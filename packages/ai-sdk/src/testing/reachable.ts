/** Everything that can be reached from `start` by properties, symbols, getters and prototypes. */
export function reachable(start: object): Set<object> {
  const found = new Set<object>();
  const waiting: unknown[] = [start];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (next === null || (typeof next !== "object" && typeof next !== "function")) continue;
    // The language's built-ins lead to everything and belong to nobody.
    if (found.has(next) || builtIn.has(next)) continue;
    found.add(next);
    waiting.push(Object.getPrototypeOf(next), ...valuesOf(next));
  }
  return found;
}

const builtIn = new Set<unknown>([
  globalThis,
  ...Object.getOwnPropertyNames(globalThis).flatMap((name) => {
    const value: unknown = (globalThis as Record<string, unknown>)[name];
    return typeof value === "function" ? [value, value.prototype] : [];
  }),
]);

function valuesOf(object: object): unknown[] {
  const items = object instanceof Map ? [...object.keys(), ...object.values()] : [];
  const more = object instanceof Set ? [...object] : [];
  return Reflect.ownKeys(object)
    .flatMap((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(object, key)!;
      return [value, get, set, get === undefined ? undefined : read(object, key)];
    })
    .concat(items, more);
}

function read(object: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined;
  }
}
