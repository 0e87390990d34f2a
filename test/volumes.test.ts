import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Sandbox, Volume } from "@emberbox/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paths } from "../packages/microvm/src/host/paths.ts";
import { provider } from "./support/sandboxes.ts";

const MOUNT = "/mnt/data";

describe("a volume", () => {
  let volume: Volume;
  let one: Sandbox;
  let two: Sandbox;
  const files = (): string => join(paths().state, "volumes", volume.name, "files");
  const sh = async (sandbox: Sandbox, command: string, user?: string): Promise<string> => {
    const { stdout } = await sandbox.commands.run(command, { cwd: MOUNT, ...(user && { user }) });
    return stdout.trim();
  };

  beforeAll(async () => {
    volume = await Volume.create("shared", { provider, sizeMB: 64 });
    const create = (): Promise<Sandbox> =>
      Sandbox.create({
        provider,
        volumeMounts: { [MOUNT]: volume },
        lifecycle: { onTimeout: "kill" },
      });
    one = await create();
    two = await create();
  });
  afterAll(async () => {
    await Promise.all([one?.kill(), two?.kill()]);
  });

  test("is seen by two sandboxes at once, and by their files API", async () => {
    await one.files.write(`${MOUNT}/a.txt`, "from one");
    expect(await sh(two, "cat a.txt")).toBe("from one");
    await sh(two, "echo from two > a.txt; echo more >> a.txt");
    expect(await one.files.read(`${MOUNT}/a.txt`)).toBe("from two\nmore\n");
    expect(readFileSync(join(files(), "a.txt"), "utf8")).toBe("from two\nmore\n");
    await sh(one, "mkdir -p d/e && mv a.txt d/e/b.txt");
    expect(await sh(two, "find . -type f")).toBe("./d/e/b.txt");
    await sh(two, "rm -r d");
    expect(await sh(one, "ls -A")).toBe("");
  });
});
