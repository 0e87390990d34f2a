// Makes every attempt to get out of a sandbox, or those whose ids begin with an argument (`net. qemu.`), and prints
// what came of it: what shows that it arrived, who refused it, and what was seen. Ends with 1 when one got through, or
// did not arrive.
import { styleText } from "node:util";
import { oneLine } from "@emberbox/core/terminal";
import { attempts as all, canBeMade, make, openWorld } from "./index.ts";

const prefixes = process.argv.slice(2);
const wanted = all.filter(
  ({ id }) => prefixes.length === 0 || prefixes.some((prefix) => id.startsWith(prefix)),
);
const attempts = wanted.filter(canBeMade);

await using world = await openWorld();
const width = Math.max(...attempts.map(({ id }) => id.length));
let [through, untried] = [0, 0];
for (const attempt of attempts) {
  const { delivered, seen, refusedBy, isRefused } = await make(attempt, world);
  if (delivered === "") untried++;
  else if (!isRefused) through++;
  const mark = isRefused
    ? styleText("green", "refused")
    : styleText("red", delivered === "" ? "UNTRIED" : "THROUGH");
  const said = oneLine(seen).slice(0, 100);
  process.stdout.write(
    `${mark}  ${attempt.id.padEnd(width)}  ${attempt.tries}\n` +
      `         ${"".padEnd(width)}  delivered: ${oneLine(delivered) || "no"}; by: ${refusedBy}; seen: ${said}\n`,
  );
}
process.stdout.write(
  `\n${attempts.length} attempts, ${through} got through, ${untried} did not arrive\n`,
);
if (attempts.length < wanted.length)
  process.stdout.write(
    `${wanted.length - attempts.length} more are made by another user of the machine: run this as root\n`,
  );
process.exitCode = through + untried === 0 ? 0 : 1;
