import { main } from "./cli/program.ts";

// Not `process.exit`: what was written to a pipe must still arrive.
process.exitCode = await main(process.argv.slice(2));
