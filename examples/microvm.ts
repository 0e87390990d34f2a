// An engine that keeps a sandbox ready, so that the next create need not wait. Run it with: node examples/microvm.ts
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const provider = microvm({
  pool: { size: 1 },
  onProgress: (step) => console.error(step),
});
await provider.prepare?.();

const sandbox = await Sandbox.create({ provider, timeoutMs: 60_000 });
console.log((await sandbox.runCode("6 * 7")).text);

// Ends the provider's sandboxes. On Node 24, `await using provider = microvm()` does it at the end of the scope.
await provider[Symbol.asyncDispose]();
