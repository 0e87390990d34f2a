// A program that gives its tools nothing, and gets the engine of this machine.
import { createSandboxTools } from "@emberbox/core/tools";

await using tools = createSandboxTools();
const { text } = await tools.execute("run_code", { code: "print('it says', 6 * 7)" });
console.log(text);
