import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A directory that is gone once the test has ended. Its path has no links. */
export async function temporary(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "emberbox-test-")));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
