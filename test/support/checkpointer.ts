// A program that makes checkpoints and goes back to them until it is killed, and says what it has done.
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const [what] = process.argv.slice(2);
const provider = microvm();
const say = (...words: unknown[]): void => void process.stdout.write(`${words.join(" ")}\n`);
const sandbox = await Sandbox.create({ provider });
say("sandbox", sandbox.sandboxId);

let steps = 0;
async function step(): Promise<string> {
  steps++;
  await sandbox.runCode(`step = ${steps}; open('step', 'w').write('${steps}')`);
  const { checkpointId } = await sandbox.checkpoint({ label: String(steps) });
  say("made", checkpointId, steps);
  return checkpointId;
}

const made = [await step(), await step()];
if (what === "paused") {
  await sandbox.pause();
  say("paused");
  for (let round = 0; ; round++)
    await provider.rollback!(sandbox.sandboxId, made[round % 2]!, undefined);
}
say("begins");
for (;;) {
  await sandbox.rollback(made[Math.floor(Math.random() * made.length)]!);
  made.push(await step());
}
