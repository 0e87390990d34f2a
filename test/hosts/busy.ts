// `npm run test:busy`: all tests, while other programs keep each processor busy twice over. Arguments are vitest's.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

const hogs = Array.from({ length: 2 * availableParallelism() }, () =>
  spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" }),
);
process.once("exit", () => hogs.forEach((hog) => hog.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.stderr.write(`${hogs.length} programs keep the processors busy\n`);

const tests = spawn("vitest", ["run", ...process.argv.slice(2)], { stdio: "inherit" });
tests.once("close", (code) => process.exit(code ?? 1));
