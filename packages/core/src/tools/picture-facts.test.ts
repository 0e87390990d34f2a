import { expect, test } from "vitest";
import { pictureFacts } from "./picture-facts.ts";

const from = (base64: string): Buffer => Buffer.from(base64, "base64");
const PNG = from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);
const GIF = from("R0lGODlhAgADAIAAAAAAAP///yH5BAEAAAAALAAAAAACAAMAAAICRF4AOw==");
const WEBP = from("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA=");
/** The parts of a JPEG that say something about it: a comment, the frame of 5 × 4, the scan, the end. */
const JPEG = Buffer.from(
  "ffd8fffe0004abcdffc0000b0800040005010111 00ffda0002ffd9".replace(" ", ""),
  "hex",
);

test("a picture's size is read from its head", () => {
  const still = { animated: false };
  expect(pictureFacts(PNG)).toEqual({ mimeType: "image/png", width: 1, height: 1, ...still });
  expect(pictureFacts(GIF)).toEqual({ mimeType: "image/gif", width: 2, height: 3, ...still });
  expect(pictureFacts(WEBP)).toEqual({ mimeType: "image/webp", width: 1, height: 1, ...still });
  expect(pictureFacts(JPEG)).toEqual({ mimeType: "image/jpeg", width: 5, height: 4, ...still });
});

test("what ends before the picture does is none, wherever it is cut", () => {
  for (const [picture, end] of [
    [PNG, 8],
    [GIF, 1],
    [WEBP, 1],
    [JPEG, 1],
  ] as const) {
    for (let length = 0; length <= picture.length - end; length += 1)
      expect(pictureFacts(picture.subarray(0, length))).toBeUndefined();
  }
  expect(pictureFacts(Buffer.from("text"))).toBeUndefined();
  const flat = Buffer.from(PNG);
  flat.writeUInt32BE(0, 16);
  expect(pictureFacts(flat)).toBeUndefined();
});
