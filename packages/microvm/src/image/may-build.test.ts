import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { obtainImage } from "./index.ts";
import { mayBuild } from "./may-build.ts";

afterEach(() => vi.unstubAllEnvs());

test.for([
  [undefined, true],
  ["", true],
  ["never", false],
] as const)("EMBERBOX_BUILD=%s", ([given, allowed]) => {
  vi.stubEnv("EMBERBOX_BUILD", given);
  expect(mayBuild()).toBe(allowed);
});

test.for(["always", "Never", "0", "false"])("EMBERBOX_BUILD=%s is refused", (given) => {
  vi.stubEnv("EMBERBOX_BUILD", given);
  expect(mayBuild).toThrow(`EMBERBOX_BUILD must be "never" or unset, not "${given}"`);
});

test("where nothing may be built, it is said what to run, and nothing is made", async () => {
  const images = await mkdtemp(join(tmpdir(), "emberbox-images-"));
  onTestFinished(() => rm(images, { recursive: true }));
  for (const [template, build] of [
    ["default", "emberbox build"],
    ["r", "emberbox build r"],
  ] as const)
    await expect(obtainImage({ images, template }, false)).rejects.toMatchObject({
      code: "image_missing",
      hint: `Run \`${build}\`, or \`emberbox image import FILE\`.`,
    });
  await expect(obtainImage({ images, template: "fortran" }, false)).rejects.toMatchObject({
    code: "unknown_template",
  });
  expect(await readdir(images)).toEqual([]);
});
