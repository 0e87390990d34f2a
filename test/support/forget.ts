// A program that does not close its sandbox.
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";

const sandbox = await Sandbox.create({ provider: microvm() });
const { logs } = await sandbox.runCode("print(6 * 7)");
process.stdout.write(logs.stdout.join(""));
