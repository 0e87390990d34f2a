// Set up before each test file, it gives the file and its programs a place of their own for paused sandboxes and
// snapshots: other files run meanwhile, and what one keeps is not to be counted by another. It is beside the usual
// place, because what is kept shares files with templates, which takes one file system.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { paths } from "../../packages/microvm/src/host/paths.ts";

const beside = dirname(paths().state);
mkdirSync(beside, { recursive: true });
const directory = mkdtempSync(join(beside, "emberbox-test-"));
process.env["XDG_DATA_HOME"] = directory;
// Registered before the file's own, so that it runs after them: the last that was registered runs first.
afterAll(() => rmSync(directory, { recursive: true, force: true }));
