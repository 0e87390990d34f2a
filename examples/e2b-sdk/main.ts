// An unchanged E2B program. The environment decides where it runs: `emberbox serve` prints what to set.
// needs: E2B_API_URL
import { Sandbox } from "@e2b/code-interpreter";

const sandbox = await Sandbox.create({ timeoutMs: 120_000, metadata: { example: "e2b-sdk" } });
try {
  await sandbox.files.write("numbers.txt", "3\n1\n2\n");
  const sorted = await sandbox.commands.run("sort -n numbers.txt | tr '\\n' ' '");
  console.log(`sorted: ${sorted.stdout.trim()}`);

  const execution = await sandbox.runCode(
    "import numpy as np\nprint('in Python')\nnp.loadtxt('numbers.txt').mean()",
    { onStdout: ({ line }) => line.trim() && console.log(`streamed: ${line.trim()}`) },
  );
  console.log(`mean: ${execution.text}`);

  const failed = await sandbox.commands.run("exit 3").catch((error: unknown) => error);
  console.log(`a failure: ${(failed as Error).name}`);

  const url = await sandbox.downloadUrl("numbers.txt", { useSignatureExpiration: 60 });
  console.log(`downloaded: ${(await (await fetch(url)).text()).split("\n").length - 1} lines`);
} finally {
  await sandbox.kill();
}
console.log(`running: ${await sandbox.isRunning()}`);
