import type { Sandbox } from "@emberbox/core";
import { shareQueue } from "@emberbox/core/tools";

/**
 * The members by which a sandbox is used; those that end, save, copy or open it, or lift its limits, belong to its
 * owner.
 */
type Usable = Pick<
  Sandbox,
  | "sandboxId"
  | "gone"
  | "ended"
  | "files"
  | "commands"
  | "pty"
  | "runCode"
  | "createCodeContext"
  | "listCodeContexts"
  | "removeCodeContext"
  | "restartCodeContext"
  | "isRunning"
  | "getMetrics"
>;

/** The same sandbox for somebody who may use it and nothing else: the sandbox itself cannot be reached from it. */
export function usableOnly(sandbox: Sandbox): Sandbox {
  const usable: Usable = {
    sandboxId: sandbox.sandboxId,
    get gone() {
      return sandbox.gone;
    },
    get ended() {
      return sandbox.ended;
    },
    files: methodsOf(sandbox.files),
    commands: methodsOf(sandbox.commands),
    pty: methodsOf(sandbox.pty),
    runCode: (...given) => sandbox.runCode(...given),
    createCodeContext: (...given) => sandbox.createCodeContext(...given),
    listCodeContexts: (...given) => sandbox.listCodeContexts(...given),
    removeCodeContext: (...given) => sandbox.removeCodeContext(...given),
    restartCodeContext: (...given) => sandbox.restartCodeContext(...given),
    isRunning: (...given) => sandbox.isRunning(...given),
    getMetrics: (...given) => sandbox.getMetrics(...given),
  };
  shareQueue(usable, sandbox);
  // Whoever calls another method gets a TypeError.
  return Object.freeze(usable) as Sandbox;
}

function methodsOf<Part extends object>(part: Part): Part {
  const prototype = Object.getPrototypeOf(part) as Record<string, unknown>;
  const methods = Object.getOwnPropertyNames(prototype)
    .filter((name) => name !== "constructor")
    .map((name) => [name, prototype[name]] as const)
    .filter(([, method]) => typeof method === "function");
  const bound = methods.map(([name, method]) => [name, (method as () => unknown).bind(part)]);
  return Object.freeze(Object.fromEntries(bound)) as Part;
}
