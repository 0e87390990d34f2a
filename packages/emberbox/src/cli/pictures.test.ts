import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Result } from "@emberbox/core";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openPictures } from "./pictures.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "emberbox-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
});

const picture = (bytes: number): Result =>
  new Result({ png: Buffer.alloc(bytes, 1).toString("base64") }, false);

test("what is over a limit is counted, and not written", async () => {
  const pictures = await openPictures(directory, { pictures: 3, bytes: 100, allBytes: 250 });
  for (const size of [101, 100, 100, 100, 50, 1]) await pictures.save(picture(size));
  expect(readdirSync(directory).map((name) => readFileSync(join(directory, name)).length)).toEqual([
    100, 100, 50,
  ]);
  expect(pictures).toMatchObject({ seen: 6, dropped: 3 });
});

test("a file or link that is there is neither replaced nor written through", async () => {
  writeFileSync(join(directory, "picture-1.png"), "mine");
  symlinkSync(join(directory, "target"), join(directory, "picture-2.png"));
  const pictures = await openPictures(directory);
  await pictures.save(picture(4));
  expect(pictures.saved).toEqual([join(directory, "picture-3.png")]);
  expect(readFileSync(join(directory, "picture-1.png"), "utf8")).toBe("mine");
  expect(readdirSync(directory)).not.toContain("target");
});

test("the representations of one result have one number", async () => {
  const pictures = await openPictures(directory);
  await pictures.save(new Result({ png: "aGk=", svg: "<svg/>" }, false));
  await pictures.save(new Result({ svg: "<svg/>", text: "x" }, false));
  expect(readdirSync(directory).toSorted()).toEqual([
    "picture-1.png",
    "picture-1.svg",
    "picture-2.svg",
  ]);
});

test("what cannot be written is an error that says so", async () => {
  const pictures = await openPictures(directory);
  rmSync(directory, { recursive: true });
  await expect(pictures.save(picture(4))).rejects.toThrow(
    /a picture cannot be saved: .*picture-1\.png/,
  );
  expect(pictures.saved).toEqual([]);
  await openPictures(directory);
});
