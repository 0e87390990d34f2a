// Makes every attempt to get out of a sandbox, or those whose ids begin with an argument (`net. qemu.`), and prints
// a table of what came of it. Ends with 1 when one got through.
import { styleText } from "node:util";
import { attempts as all, make, openWorld } from "./index.ts";

const prefixes = process.argv.slice(2);
const attempts = all.filter(
  ({ id }) => prefixes.length === 0 || prefixes.some((prefix) => id.startsWith(prefix)),
);

await using world = await openWorld();
const width = Math.max(...attempts.map(({ id }) => id.length));
let through = 0;
for (const attempt of attempts) {
  const { seen, isRefused } = await make(attempt, world);
  if (!isRefused) through++;
  const mark = isRefused ? styleText("green", "refused") : styleText("red", "THROUGH");
  const line = seen.replaceAll(/\s+/g, " ").slice(0, 100);
  process.stdout.write(`${mark}  ${attempt.id.padEnd(width)}  ${attempt.tries}: ${line}\n`);
}
process.stdout.write(`\n${attempts.length} attempts, ${through} got through\n`);
process.exitCode = through === 0 ? 0 : 1;
