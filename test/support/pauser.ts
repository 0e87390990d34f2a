// A program that pauses a sandbox, or resumes one by its id, and says what it did.
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const [what, id] = process.argv.slice(2);
const provider = microvm();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

switch (what) {
  case "pause": {
    const sandbox = await Sandbox.create({ provider });
    await sandbox.runCode("kept = 42");
    await sandbox.pause();
    say(sandbox.sandboxId);
    await provider[Symbol.asyncDispose]();
    break;
  }
  case "resume": {
    try {
      const sandbox = await Sandbox.connect(id!, { provider });
      say(`resumed ${(await sandbox.runCode("kept")).text}`);
      // Long enough for another program to have tried.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await sandbox.pause();
    } catch (error) {
      say((error as { code: string }).code);
    }
    await provider[Symbol.asyncDispose]();
    break;
  }
  case "pause-for-ever": {
    // Pauses and resumes until it is killed, and tells when it begins to pause.
    const sandbox = await Sandbox.connect(id!, { provider });
    await sandbox.runCode("kept = 43");
    say("pausing");
    await sandbox.pause();
    say("paused");
    setInterval(() => {}, 1000);
  }
}
