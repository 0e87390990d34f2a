import * as e2b from "e2b";
import * as e2b245 from "e2b-2.45";
import * as e2b250 from "e2b-2.50";
import { beforeAll, describe, expect, test } from "vitest";
import type { EmberboxServer } from "@emberbox/server";
import { sdkOptions, startServer, type SdkOptions } from "../support/server.ts";

// The generations are of different types, and say the same.
const versions: [string, typeof e2b][] = [
  ["2.51.0", e2b],
  ["2.50.0", e2b250 as never],
  ["2.45.0", e2b245 as never],
];

let server: EmberboxServer;
let options: SdkOptions;
beforeAll(async () => {
  server = await startServer();
  options = sdkOptions(server);
});

describe.each(versions)(
  "e2b %s",
  (_version, { Sandbox, AuthenticationError, SandboxNotFoundError }) => {
    test("creates, finds, connects to and kills a sandbox", async () => {
      const metadata = { purpose: "a test & more=1%", kind: "lifecycle" };
      const sandbox = await Sandbox.create({
        ...options,
        metadata,
        envs: { FROM: "create" },
        timeoutMs: 600_000,
      });
      expect(sandbox.getHost(3000)).toBe(`3000-${sandbox.sandboxId}.${server.domain}`);
      expect((await sandbox.commands.run("echo $FROM")).stdout).toBe("create\n");
      const info = await sandbox.getInfo();
      expect(info).toMatchObject({
        sandboxId: sandbox.sandboxId,
        templateId: "default",
        name: "base",
        metadata,
        state: "running",
      });
      expect(info.endAt.getTime() - info.startedAt.getTime()).toBe(600_000);

      const again = await Sandbox.connect(sandbox.sandboxId, { ...options, timeoutMs: 60_000 });
      await again.files.write("note.txt", "from the second");
      expect(await sandbox.files.read("note.txt")).toBe("from the second");
      // Connecting never shortens.
      expect((await sandbox.getInfo()).endAt).toEqual(info.endAt);

      const listed = await Sandbox.list({ ...options, query: { metadata } }).nextItems();
      expect(listed.map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
      const [metrics] = await sandbox.getMetrics();
      expect(metrics!.memTotal).toBeGreaterThan(metrics!.memUsed);

      expect(await sandbox.isRunning()).toBe(true);
      expect([await sandbox.kill(), await Sandbox.kill(sandbox.sandboxId, options)]).toEqual([
        true,
        false,
      ]);
      expect(await sandbox.isRunning()).toBe(false);
      await expect(Sandbox.getInfo(sandbox.sandboxId, options)).rejects.toThrow(
        SandboxNotFoundError,
      );
      await expect(Sandbox.connect(sandbox.sandboxId, options)).rejects.toThrow(
        SandboxNotFoundError,
      );
      await expect(sandbox.setTimeout(1000)).rejects.toThrow(SandboxNotFoundError);
    });

    test("moves the end of a sandbox's time, and sees it come", async () => {
      const sandbox = await Sandbox.create(options);
      await sandbox.setTimeout(900_000);
      const { endAt } = await sandbox.getInfo();
      expect(endAt.getTime()).toBeGreaterThan(Date.now() + 890_000);
      await sandbox.setTimeout(1000);
      await expect.poll(() => sandbox.isRunning(), { timeout: 10_000 }).toBe(false);
      await expect(sandbox.getInfo()).rejects.toThrow(SandboxNotFoundError);
    });

    test("says what is wrong", async () => {
      const wrong = { ...options, apiKey: `e2b_${"0".repeat(40)}` };
      await expect(Sandbox.create(wrong)).rejects.toThrow(AuthenticationError);
      await expect(Sandbox.create("no-such-template", options)).rejects.toThrow("404");
      await expect(Sandbox.create({ ...options, timeoutMs: -5000 })).rejects.toThrow(
        "400: Timeout must be greater than 0",
      );
    });
  },
);

test("a listing comes page by page, in either order", async () => {
  const metadata = { listing: "paged" };
  const made: string[] = [];
  for (let each = 0; each < 3; each++)
    made.push((await e2b.Sandbox.create({ ...options, metadata })).sandboxId);
  for (const [order, expected] of [
    ["asc", made],
    ["desc", made.toReversed()],
  ] as const) {
    const paginator = e2b.Sandbox.list({ ...options, query: { metadata }, limit: 2, order });
    const pages: string[][] = [];
    while (paginator.hasNext)
      pages.push((await paginator.nextItems()).map(({ sandboxId }) => sandboxId));
    expect(pages.map(({ length }) => length)).toEqual([2, 1]);
    expect(pages.flat()).toEqual(expected);
  }
  await Promise.all(made.map((id) => e2b.Sandbox.kill(id, options)));
});
