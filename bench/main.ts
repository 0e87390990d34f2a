// `pnpm bench`: the command line's own benchmark.
import { main } from "../packages/emberbox/src/cli/program.ts";

process.exitCode = await main(["bench", ...process.argv.slice(2)]);
