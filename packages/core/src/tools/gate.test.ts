import { expect, test } from "vitest";
import { isShowable, pictureProblem, presentable, withoutRefused } from "./gate.ts";
import { resolveToolOptions } from "./options.ts";
import { commonLimits, providerLimits } from "./provider-limits.ts";

const { limits } = resolveToolOptions({});

/** The head and the end of a PNG of that size. */
function png(width: number, height: number, length = 64): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.write("IEND", length - 8, "latin1");
  return bytes;
}

test("the limits that apply unless told otherwise are within those of every provider", () => {
  for (const {
    types,
    maxBytes = Infinity,
    maxSide = Infinity,
    maxSideOfMany = Infinity,
    maxPictures = Infinity,
    maxRequestBytes = Infinity,
  } of Object.values(providerLimits)) {
    expect(types).toEqual(expect.arrayContaining([...commonLimits.types]));
    expect(limits.maxPictureBytes).toBeLessThanOrEqual(maxBytes);
    expect(commonLimits.maxSide).toBeLessThanOrEqual(Math.min(maxSide, maxSideOfMany));
    expect(limits.maxPictures).toBeLessThanOrEqual(maxPictures);
    expect((limits.maxTotalPictureBytes * 4) / 3).toBeLessThan(maxRequestBytes);
  }
  expect(commonLimits).toEqual({
    types: ["image/png", "image/jpeg", "image/webp"],
    maxBytes: 3.75 * 1024 * 1024,
    maxSide: 2000,
    maxSideOfMany: 2000,
    maxPictures: 8,
    animated: false,
    maxRequestBytes: 20 * 1024 * 1024,
  });
});

test("a picture that some provider refuses is told of in words", () => {
  const most = Math.min(limits.maxPictureBytes, limits.maxTotalPictureBytes);
  expect(pictureProblem(png(100, 100), most)).toBeUndefined();
  expect(pictureProblem(png(100, 2001), most)).toContain("100 × 2001");
  expect(pictureProblem(png(100, 100, 4_000_000), most)).toContain("3.3 MB");
  expect(pictureProblem(png(100, 100).subarray(0, 40), most)).toContain("damaged");
  const gif = Buffer.from("R0lGODlhAgADAIAAAAAAAP///yH5BAEAAAAALAAAAAACAAMAAAICRF4AOw==", "base64");
  expect(pictureProblem(gif, most)).toContain("save it as PNG");
});

test("types that come from elsewhere are checked, too", () => {
  const types = [
    "image/png",
    "image/gif",
    "image/svg+xml",
    "application/octet-stream",
    "text/html",
  ];
  expect(types.map((mimeType) => isShowable({ mimeType }))).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("texts are whole characters without NUL, and never blank", () => {
  expect(presentable("a\0b\ud800c 😀")).toBe("a␀b\ufffdc 😀");
  for (const blank of ["", " ", "\n\n\t"]) expect(presentable(blank)).toBe("(no output)");
  expect(withoutRefused({ rows: [{ "a\0": "\udc00" }, null, 1.5, true] })).toEqual({
    rows: [{ "a␀": "\ufffd" }, null, 1.5, true],
  });
});
