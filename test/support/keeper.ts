// A program that runs a sandbox, says which, and waits to be told to end.
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const provider = microvm({ standby: false });
const sandbox = await Sandbox.create({
  provider,
  metadata: { task: "watched" },
  timeoutMs: 3_600_000,
});
await sandbox.files.write("note.txt", "from inside");
process.stdout.write(`${sandbox.sandboxId}\n`);
setInterval(() => {}, 1000);
