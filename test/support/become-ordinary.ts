// Gives up root for good, calls a function that a module exports, and says what it returned: `MODULE NAME ARGUMENTS`.
import { ANSWER, ORDINARY_ID } from "./ordinary-user.ts";

const [, , module, name, args] = process.argv as [string, string, string, string, string];
const exported = (await import(module)) as Record<string, (...each: unknown[]) => unknown>;
process.setgroups!([]);
process.setgid!(ORDINARY_ID);
process.setuid!(ORDINARY_ID);
const answer = await exported[name]!(...(JSON.parse(args) as unknown[]));
process.stdout.write(`${ANSWER}${JSON.stringify(answer ?? null)}\n`, () => process.exit(0));
