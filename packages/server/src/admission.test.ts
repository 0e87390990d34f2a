import { expect, test } from "vitest";
import { createAdmission } from "./admission.ts";

const GIB = 1024 ** 3;

test("no more sandboxes begin than may run, those that are beginning counted", async () => {
  const admission = createAdmission(
    { maxSandboxes: 3, reserveMB: 0 },
    async () => 1,
    () => 64 * GIB,
  );
  const going = Promise.withResolvers<string>();
  const first = admission.admit(2, () => going.promise);
  await expect(admission.admit(1, async () => "x")).rejects.toMatchObject({
    status: 429,
    retryAfterSeconds: 1,
  });
  going.resolve("done");
  expect(await first).toBe("done");
  expect(await admission.admit(2, async () => "again")).toBe("again");
});

test("nor more than memory is left for, the reserve aside", async () => {
  let left = 2.2 * GIB;
  const admission = createAdmission(
    { memoryMB: 1024, reserveMB: 256 },
    async () => 0,
    () => left,
  );
  const stays = new Promise<never>(() => {});
  admission.admit(1, () => stays).catch(() => {});
  await expect(admission.admit(1, async () => "x")).rejects.toThrow("1996 MiB of memory left");
  left = 3 * GIB;
  expect(await admission.admit(1, async () => "room")).toBe("room");
});

test("a beginning that fails gives its place back", async () => {
  const admission = createAdmission(
    { maxSandboxes: 1, reserveMB: 0 },
    async () => 0,
    () => GIB * 9,
  );
  await expect(admission.admit(1, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await admission.admit(1, async () => "yes")).toBe("yes");
});
