// Imported first, it gives a test file's programs a place of their own for what they keep, beside the usual one: other
// files run meanwhile, and what is kept shares files with templates, which takes one file system.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { paths } from "../../packages/microvm/src/host/paths.ts";

const beside = dirname(paths().state);
mkdirSync(beside, { recursive: true });
const directory = mkdtempSync(join(beside, "emberbox-test-"));
process.env["XDG_DATA_HOME"] = directory;
// Registered before the provider's own, so that it runs after: the last that was registered runs first.
afterAll(() => rmSync(directory, { recursive: true, force: true }));
